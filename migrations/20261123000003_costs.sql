-- Where the collection of one team's bill stands, and who is at it. The lease is checked inside every transaction
-- that stores costs, so a worker that lost it writes nothing.
CREATE TABLE collections (
    organization_id uuid NOT NULL REFERENCES organizations,
    team_id uuid NOT NULL,
    provider text NOT NULL,
    provider_account text,
    -- The last UTC day that is stored; null until the first page of the backfill is.
    collected_through date,
    lease_owner uuid,
    lease_until timestamptz,
    last_run_at timestamptz,
    last_success_at timestamptz,
    last_error_code text,
    last_error_at timestamptz,
    days_total integer NOT NULL DEFAULT 0,
    days_done integer NOT NULL DEFAULT 0,
    PRIMARY KEY (organization_id, team_id, provider),
    FOREIGN KEY (organization_id, team_id) REFERENCES teams
);
CALL finops_protect('collections', 'tenant', 'SELECT, INSERT, UPDATE');

-- What the provider's bill says, one row a line and UTC day: the current amount. Amounts are refused, never rounded,
-- when they do not fit; 9 + 18 digits keep every sum within an exact decimal of 28.
CREATE TABLE billed_costs (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    provider text NOT NULL,
    provider_account text NOT NULL,
    api_version text NOT NULL CHECK (api_version IN ('costs_v1', 'usage_v1')),
    bucket_start timestamptz NOT NULL,
    bucket_end timestamptz NOT NULL,
    provider_project_id text,
    line_item text,
    provider_api_key_id text,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount numeric NOT NULL CHECK (amount <> 'NaN' AND abs(amount) < 1000000000 AND scale(amount) <= 18),
    quantity numeric CHECK (quantity <> 'NaN' AND abs(quantity) < 1e18 AND scale(quantity) <= 18),
    quantity_unit text,
    model text,
    -- Attribution: what the Project ID stood for when the line was stored, or when it was registered later.
    project_id uuid,
    team_id uuid NOT NULL,
    revision integer NOT NULL DEFAULT 1,
    collected_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects,
    FOREIGN KEY (organization_id, team_id) REFERENCES teams,
    CHECK (bucket_start = date_trunc('day', bucket_start, 'UTC') AND bucket_end > bucket_start)
);
-- NULLS NOT DISTINCT: a line without a project, a line item or a key is the same line tomorrow.
CREATE UNIQUE INDEX billed_costs_line ON billed_costs
    (organization_id, bucket_start, provider_account, provider_project_id, line_item, provider_api_key_id, currency, api_version, provider)
    NULLS NOT DISTINCT;
CREATE INDEX billed_costs_unattributed ON billed_costs (organization_id, provider_project_id) WHERE project_id IS NULL;
CALL finops_protect('billed_costs', 'tenant', 'SELECT, INSERT, UPDATE');

-- What a line said before it was restated. Never changed.
CREATE TABLE billed_cost_revisions (
    organization_id uuid NOT NULL,
    billed_cost_id uuid NOT NULL,
    revision integer NOT NULL,
    amount numeric NOT NULL,
    quantity numeric,
    collected_at timestamptz NOT NULL,
    replaced_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, billed_cost_id, revision),
    FOREIGN KEY (organization_id, billed_cost_id) REFERENCES billed_costs
);
CALL finops_protect('billed_cost_revisions', 'tenant', 'SELECT, INSERT');

-- Derived from billed_costs, rebuilt slice by slice (account and day) in the transaction that changes the lines:
-- what dashboards read. `finops verify-rollups` compares the two.
CREATE TABLE billed_daily (
    organization_id uuid NOT NULL REFERENCES organizations,
    day date NOT NULL,
    provider text NOT NULL,
    provider_account text NOT NULL,
    api_version text NOT NULL,
    project_id uuid,
    team_id uuid NOT NULL,
    currency text NOT NULL,
    amount numeric NOT NULL,
    lines integer NOT NULL
);
CREATE UNIQUE INDEX billed_daily_key ON billed_daily
    (organization_id, day, provider, provider_account, api_version, project_id, team_id, currency) NULLS NOT DISTINCT;
CALL finops_protect('billed_daily', 'tenant', 'SELECT, INSERT, DELETE');

-- Which UTC days were brought in, so that "nothing collected" is told from "cost nothing", and a day that the
-- provider may still restate from a settled one.
CREATE TABLE collected_days (
    organization_id uuid NOT NULL REFERENCES organizations,
    day date NOT NULL,
    provider text NOT NULL,
    provider_account text NOT NULL,
    team_id uuid NOT NULL,
    settled boolean NOT NULL,
    collected_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, day, provider, provider_account),
    FOREIGN KEY (organization_id, team_id) REFERENCES teams
);
CALL finops_protect('collected_days', 'tenant', 'SELECT, INSERT, UPDATE');
