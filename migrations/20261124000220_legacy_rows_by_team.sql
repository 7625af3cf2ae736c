-- Legacy rows that belong to no project are their team's: two teams' files may name the same day and model. Row-level security
-- binds the tables' owner too, so organization by organization.
DO $$
DECLARE
    organization uuid;
BEGIN
    PERFORM set_config('finops.scope', 'platform', true);
    FOR organization IN SELECT organization_id FROM organizations LOOP
        PERFORM set_config('finops.organization_id', organization::text, true);
        UPDATE billed_costs SET provider_account = 'usage_v1:' || team_id
        WHERE organization_id = organization AND api_version = 'usage_v1' AND provider_account = 'usage_v1' AND project_id IS NULL;
        UPDATE billed_daily SET provider_account = 'usage_v1:' || team_id
        WHERE organization_id = organization AND api_version = 'usage_v1' AND provider_account = 'usage_v1' AND project_id IS NULL;
    END LOOP;
    PERFORM set_config('finops.organization_id', '', true);
    PERFORM set_config('finops.scope', '', true);
END
$$;
