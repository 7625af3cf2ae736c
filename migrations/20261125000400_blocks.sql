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
