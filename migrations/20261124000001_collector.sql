-- One project's lines over a period: the project page, and what moved a project's cost.
CREATE INDEX billed_costs_project ON billed_costs (organization_id, project_id, bucket_start) WHERE project_id IS NOT NULL;

-- How far each team's collection is holds no secret and no cost; the service's own metrics read it across organizations.
DROP POLICY own_organization ON collections;
CREATE POLICY own_organization ON collections USING (organization_id = finops_organization() OR finops_platform());

-- Whether anything is to be collected: a team whose key was stopped on purpose is not behind.
ALTER TABLE collections ADD COLUMN has_active_key boolean NOT NULL DEFAULT true;
