-- A provider may call an account differently one day: another header, another oldest project. What the account holds stays,
-- and a Project ID belongs to one account for good, so it tells a new name from a new account.

-- Under which account a provider's Project ID was first seen.
CREATE TABLE account_projects (
    organization_id uuid NOT NULL REFERENCES organizations,
    provider text NOT NULL,
    provider_project_id text NOT NULL,
    provider_account text NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, provider, provider_project_id)
);
CALL finops_protect('account_projects', 'tenant', 'SELECT, INSERT');

-- Other names of an account that is stored under its first one.
CREATE TABLE account_aliases (
    organization_id uuid NOT NULL REFERENCES organizations,
    provider text NOT NULL,
    name text NOT NULL,
    provider_account text NOT NULL,
    noted_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, provider, name),
    CHECK (name <> provider_account)
);
CALL finops_protect('account_aliases', 'tenant', 'SELECT, INSERT');

-- What is stored already. Row-level security binds the tables' owner too, so organization by organization.
DO $$
DECLARE
    organization uuid;
BEGIN
    PERFORM set_config('finops.scope', 'platform', true);
    FOR organization IN SELECT organization_id FROM organizations LOOP
        PERFORM set_config('finops.organization_id', organization::text, true);
        INSERT INTO account_projects (organization_id, provider, provider_project_id, provider_account, seen_at)
        SELECT DISTINCT ON (provider, provider_project_id) organization_id, provider, provider_project_id, provider_account,
            collected_at
        FROM billed_costs
        WHERE organization_id = organization AND api_version = 'costs_v1' AND provider_project_id IS NOT NULL
        -- The account that has had it for longest.
        ORDER BY provider, provider_project_id, id;
    END LOOP;
    PERFORM set_config('finops.organization_id', '', true);
    PERFORM set_config('finops.scope', '', true);
END
$$;
