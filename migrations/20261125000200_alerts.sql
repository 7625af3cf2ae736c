-- Organizations whose spending, or what it is held against, changed: one row a change, written in its transaction, deleted by
-- whoever has checked the budgets since. Only added to and deleted from, so that writers never wait for each other.
CREATE TABLE budget_checks (
    organization_id uuid NOT NULL REFERENCES organizations,
    id bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (organization_id, id)
);
CALL finops_protect('budget_checks', 'platform', 'SELECT, INSERT, DELETE');

-- What somebody should know of. Each is raised once: a budget's by its crossing, others once until they are resolved.
CREATE TABLE alerts (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('budget', 'unpriced')),
    severity text NOT NULL CHECK (severity IN ('info', 'warning', 'error', 'critical')),
    status text NOT NULL CHECK (status IN ('open', 'acknowledged', 'resolved')),
    -- What it is about: nothing else is raised about that until it is resolved. Messages about it are grouped by this, and it
    -- names PagerDuty's incident.
    subject_key text NOT NULL CHECK (length(subject_key) BETWEEN 1 AND 200),
    crossing_id uuid,
    -- Who may see it: a team's people, a project's, or those who see everything.
    team_id uuid,
    project_id uuid,
    -- What was found, without a language: `AlertFacts` of the contract.
    facts jsonb NOT NULL,
    raised_at timestamptz NOT NULL,
    acknowledged_at timestamptz,
    acknowledged_by uuid,
    resolved_at timestamptz,
    -- Null for what went away by itself.
    resolved_by uuid,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, crossing_id) REFERENCES budget_crossings,
    FOREIGN KEY (organization_id, team_id) REFERENCES teams,
    FOREIGN KEY (organization_id, project_id) REFERENCES projects,
    CHECK ((status = 'resolved') = (resolved_at IS NOT NULL)),
    CHECK (status <> 'acknowledged' OR acknowledged_at IS NOT NULL)
);
CREATE UNIQUE INDEX alerts_one_a_crossing ON alerts (organization_id, crossing_id) WHERE crossing_id IS NOT NULL;
CREATE UNIQUE INDEX alerts_one_a_subject ON alerts (organization_id, subject_key)
    WHERE crossing_id IS NULL AND status <> 'resolved';
CREATE INDEX alerts_open ON alerts (organization_id, id) WHERE status <> 'resolved';
CREATE INDEX alerts_project ON alerts (organization_id, project_id, id) WHERE project_id IS NOT NULL;
CALL finops_protect('alerts', 'tenant', 'SELECT, INSERT, UPDATE');

-- What raises alerts besides budgets. Without a row it is as the service has it from the start.
CREATE TABLE alert_rules (
    organization_id uuid NOT NULL REFERENCES organizations,
    kind text NOT NULL CHECK (kind IN ('unpriced')),
    enabled boolean NOT NULL,
    action text NOT NULL CHECK (action IN ('email', 'slack', 'webhook', 'sms', 'pagerduty', 'both')),
    PRIMARY KEY (organization_id, kind)
);
CALL finops_protect('alert_rules', 'tenant', 'SELECT, INSERT, UPDATE');
