-- What a Project ID stood for before it was taken away from its project: by a person, by a block, or as the project was deleted.
-- Days up to that one stay the project's, whenever their bill comes.
CREATE TABLE former_project_ids (
    organization_id uuid NOT NULL REFERENCES organizations,
    openai_project_id text NOT NULL,
    project_id uuid NOT NULL,
    -- The UTC day on which it was.
    last_day date NOT NULL,
    PRIMARY KEY (organization_id, openai_project_id, project_id),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects
);
-- What blocks in force have taken away. What crosses organizations is read and written here as the tables' owner.
ALTER TABLE blocks NO FORCE ROW LEVEL SECURITY;
INSERT INTO former_project_ids (organization_id, openai_project_id, project_id, last_day)
SELECT organization_id, openai_project_id, project_id, max((activated_at AT TIME ZONE 'UTC')::date) FROM blocks
WHERE status = 'active' AND openai_project_id IS NOT NULL AND project_id IS NOT NULL GROUP BY 1, 2, 3;
ALTER TABLE blocks FORCE ROW LEVEL SECURITY;
CALL finops_protect('former_project_ids', 'tenant', 'SELECT, INSERT, UPDATE');
