-- Pricing the events of some time anew: asked for, gone through slice by slice, and what it came to. A worker that takes
-- over goes on after the last event that the one before has written down.
CREATE TABLE reprices (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    from_time timestamptz NOT NULL,
    to_time timestamptz NOT NULL,
    provider text,
    model text,
    apply boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('running', 'done')),
    last_time timestamptz,
    last_key uuid,
    requested_by text NOT NULL,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (organization_id, id),
    CHECK (from_time < to_time),
    CHECK ((state = 'done') = (finished_at IS NOT NULL)),
    CHECK ((last_time IS NULL) = (last_key IS NULL))
);
CALL finops_protect('reprices', 'tenant', 'SELECT, INSERT, UPDATE');

-- The difference by model and project.
CREATE TABLE reprice_differences (
    organization_id uuid NOT NULL,
    reprice_id uuid NOT NULL,
    provider text NOT NULL,
    model text NOT NULL,
    project_id uuid,
    events bigint NOT NULL,
    changed bigint NOT NULL,
    cost_before numeric NOT NULL,
    cost_after numeric NOT NULL,
    unpriced_before bigint NOT NULL,
    unpriced_after bigint NOT NULL,
    FOREIGN KEY (organization_id, reprice_id) REFERENCES reprices
);
CREATE UNIQUE INDEX reprice_differences_key ON reprice_differences
    (organization_id, reprice_id, provider, model, project_id) NULLS NOT DISTINCT;
CALL finops_protect('reprice_differences', 'tenant', 'SELECT, INSERT, UPDATE');
