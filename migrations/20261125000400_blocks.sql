-- Whether a person's block, and every lift, waits for a second person.
ALTER TABLE organizations ADD COLUMN two_person_blocks boolean NOT NULL DEFAULT false;
-- Whether a block may clamp limits at the provider.
ALTER TABLE teams ADD COLUMN allow_provider_stops boolean NOT NULL DEFAULT false;

-- Emergency stops. They end by being lifted; none is ever deleted.
CREATE TABLE blocks (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    target_type text NOT NULL CHECK (target_type IN ('admin_key', 'project', 'api_key')),
    admin_key_id uuid,
    project_id uuid,
    api_key_id uuid,
    -- The target's team, where it has one: whose people may see it.
    team_id uuid,
    -- `stop`: nothing passes. `throttle`: so many calls a minute.
    mode text NOT NULL CHECK (mode IN ('stop', 'throttle')),
    limit_per_minute integer CHECK (limit_per_minute > 0),
    -- `requested` waits for a second person; `declined` never was in force.
    status text NOT NULL CHECK (status IN ('requested', 'active', 'lifted', 'declined')),
    -- Who stopped it: a person, or a hard budget.
    cause text NOT NULL CHECK (cause IN ('manual', 'budget')),
    alert_id uuid,
    budget_id uuid,
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 1000),
    requested_by uuid,
    requested_at timestamptz NOT NULL,
    decided_by uuid,
    activated_at timestamptz,
    lifted_by uuid,
    lifted_at timestamptz,
    lift_reason text CHECK (length(lift_reason) BETWEEN 1 AND 1000),
    -- A lift that waits for a second person; its reason is `lift_reason`.
    lift_requested_by uuid,
    lift_requested_at timestamptz,
    ended text CHECK (ended IN ('lifted', 'deleted', 'replaced')),
    -- What is put back: the Project ID that a project had, whether an Admin key was in use; and what came of that.
    openai_project_id text,
    key_was_active boolean,
    restoration text CHECK (restoration IN
        ('project_id_returned', 'project_id_taken', 'key_activated', 'key_replaced', 'nothing')),
    -- Whether limits at the provider are clamped as well: `block_holds`.
    at_provider boolean NOT NULL DEFAULT false,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, admin_key_id) REFERENCES admin_keys,
    FOREIGN KEY (organization_id, project_id) REFERENCES projects,
    FOREIGN KEY (organization_id, api_key_id) REFERENCES api_keys,
    FOREIGN KEY (organization_id, alert_id) REFERENCES alerts,
    FOREIGN KEY (organization_id, budget_id) REFERENCES budgets,
    CHECK ((admin_key_id IS NOT NULL) = (target_type = 'admin_key')),
    CHECK ((project_id IS NOT NULL) = (target_type = 'project')),
    CHECK ((api_key_id IS NOT NULL) = (target_type = 'api_key')),
    CHECK ((limit_per_minute IS NOT NULL) = (mode = 'throttle')),
    CHECK ((status = 'lifted') = (lifted_at IS NOT NULL)),
    CHECK (status NOT IN ('active', 'lifted') OR activated_at IS NOT NULL)
);
-- One open block a target.
CREATE UNIQUE INDEX blocks_one_a_target ON blocks
    (organization_id, coalesce(admin_key_id, project_id, api_key_id)) WHERE status IN ('requested', 'active');
CREATE INDEX blocks_in_order ON blocks (organization_id, id);
-- Asked with every look at an API key.
CREATE INDEX blocks_of_api_keys ON blocks (organization_id, api_key_id) WHERE api_key_id IS NOT NULL AND status = 'active';
CALL finops_protect('blocks', 'tenant', 'SELECT, INSERT, UPDATE');

-- What is stopped now, said of projects and API keys: an Admin key's block is its team's projects'.
CREATE VIEW blocks_in_force WITH (security_invoker = true) AS
SELECT b.organization_id, b.id AS block_id, p.id AS project_id, NULL::uuid AS api_key_id, b.mode, b.limit_per_minute, b.cause,
    b.target_type, b.activated_at
FROM blocks b
JOIN admin_keys k ON k.organization_id = b.organization_id AND k.id = b.admin_key_id
JOIN projects p ON p.organization_id = b.organization_id AND p.team_id = k.team_id AND p.deleted_at IS NULL
WHERE b.status = 'active'
UNION ALL
SELECT b.organization_id, b.id, b.project_id, b.api_key_id, b.mode, b.limit_per_minute, b.cause, b.target_type, b.activated_at
FROM blocks b
WHERE b.status = 'active' AND b.admin_key_id IS NULL;
GRANT SELECT ON blocks_in_force TO finops_app;

-- The Project IDs that a block stops at the provider. Such a stop is wanted while a block in force holds it.
CREATE TABLE block_holds (
    organization_id uuid NOT NULL,
    block_id uuid NOT NULL,
    openai_project_id text NOT NULL,
    -- When the limits were put back after this block; until then it is not over.
    released_at timestamptz,
    PRIMARY KEY (organization_id, block_id, openai_project_id),
    FOREIGN KEY (organization_id, block_id) REFERENCES blocks
);
CREATE INDEX block_holds_open ON block_holds (organization_id, openai_project_id) WHERE released_at IS NULL;
CALL finops_protect('block_holds', 'tenant', 'SELECT, INSERT, UPDATE');

-- How far each is. One row a Project ID, however many blocks hold it: what was there before must be remembered once.
CREATE TABLE provider_stops (
    organization_id uuid NOT NULL REFERENCES organizations,
    openai_project_id text NOT NULL,
    -- The key that reaches it, in use or not; null where the team had none.
    admin_key_id uuid,
    team_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('clamping', 'clamped', 'restoring', 'restored')),
    means text CHECK (means IN ('spend_limit', 'rate_limits')),
    error_code text,
    failures integer NOT NULL DEFAULT 0,
    -- Limits that somebody else changed at the provider meanwhile.
    left_alone integer NOT NULL DEFAULT 0,
    changed_at timestamptz NOT NULL,
    -- The job that is at it, on the database's time.
    lease_owner uuid,
    lease_until timestamptz,
    PRIMARY KEY (organization_id, openai_project_id),
    FOREIGN KEY (organization_id, admin_key_id) REFERENCES admin_keys,
    FOREIGN KEY (organization_id, team_id) REFERENCES teams
);
CREATE INDEX provider_stops_key ON provider_stops (organization_id, admin_key_id) WHERE state <> 'restored';
CALL finops_protect('provider_stops', 'tenant', 'SELECT, INSERT, UPDATE');

-- What each limit was. Written before it is changed, deleted when all of them are back.
CREATE TABLE provider_stop_limits (
    organization_id uuid NOT NULL,
    openai_project_id text NOT NULL,
    -- `spend_limit`, or a rate limit's id.
    limit_id text NOT NULL,
    -- Null: there was no spend limit.
    before jsonb,
    PRIMARY KEY (organization_id, openai_project_id, limit_id),
    FOREIGN KEY (organization_id, openai_project_id) REFERENCES provider_stops
);
CALL finops_protect('provider_stop_limits', 'tenant', 'SELECT, INSERT, DELETE');
