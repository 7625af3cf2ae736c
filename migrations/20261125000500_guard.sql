-- What is held for calls under way. A row is a call: it counts for every budget that covers it, also for one that is set
-- while it is under way. It counts until its time is over, or until it was settled and the figures that it is compared
-- with were read later than that, so that nothing is missing between the two; released, it is deleted.
CREATE TABLE guard_reservations (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    project_id uuid NOT NULL,
    -- Where the project belonged when it was asked.
    team_id uuid NOT NULL,
    environment text NOT NULL CHECK (environment IN ('production', 'staging', 'development', 'ci')),
    service text,
    learner_id text,
    -- In US dollars: at most this, and once it was settled what it cost.
    estimate numeric NOT NULL CHECK (estimate >= 0 AND estimate < 1000000000000 AND scale(estimate) <= 12),
    cost numeric CHECK (cost >= 0 AND cost < 1000000000000 AND scale(cost) <= 12),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    -- By the database's clock, which is that of the figures too.
    settled_at timestamptz,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects,
    CHECK ((settled_at IS NULL) = (cost IS NULL))
);
CREATE INDEX guard_reservations_held ON guard_reservations (organization_id, expires_at);
CALL finops_protect('guard_reservations', 'tenant', 'SELECT, INSERT, UPDATE, DELETE');
