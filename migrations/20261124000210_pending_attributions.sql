-- Earlier lines that a registered Project ID is still to be given: a row while the job is at it, gone once it is done.
CREATE TABLE pending_attributions (
    organization_id uuid NOT NULL,
    project_id uuid NOT NULL,
    -- Whose the lines become, as it was when the Project ID was registered.
    team_id uuid NOT NULL,
    openai_project_id text NOT NULL,
    lines_total bigint NOT NULL CHECK (lines_total > 0),
    lines_done bigint NOT NULL DEFAULT 0 CHECK (lines_done >= 0),
    requested_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, project_id),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects,
    FOREIGN KEY (organization_id, team_id) REFERENCES teams
);
CALL finops_protect('pending_attributions', 'tenant', 'SELECT, INSERT, UPDATE, DELETE');

-- In the order in which they are given away, so that each slice finds its lines without sorting what is left.
CREATE INDEX billed_costs_unowned ON billed_costs (organization_id, provider_project_id, bucket_start, id) WHERE project_id IS NULL;
DROP INDEX billed_costs_unattributed;
