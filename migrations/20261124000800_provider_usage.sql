-- What providers measured, minute by minute: one account's meters, each line as the provider says it last. Nothing is
-- kept of what a line said before: usage is no invoice.
CREATE TABLE provider_usage (
    organization_id uuid NOT NULL,
    minute timestamptz NOT NULL CHECK (minute = date_trunc('minute', minute, 'UTC')),
    provider text NOT NULL,
    provider_account text NOT NULL,
    meter text NOT NULL,
    provider_project_id text,
    provider_api_key_id text,
    model text,
    batch boolean,
    tier text,
    -- Attribution: what the Project ID stood for when the line was stored, or when it was registered later.
    project_id uuid,
    team_id uuid NOT NULL,
    -- Calls of a model; and what has a price or lacks one: those calls, searches, sessions, at least one.
    requests bigint NOT NULL CHECK (requests >= 0),
    calls bigint NOT NULL CHECK (calls > 0),
    input bigint NOT NULL CHECK (input >= 0),
    cached_input bigint NOT NULL CHECK (cached_input >= 0),
    cache_write_5m bigint NOT NULL CHECK (cache_write_5m >= 0),
    output bigint NOT NULL CHECK (output >= 0),
    audio_input bigint NOT NULL CHECK (audio_input >= 0),
    audio_output bigint NOT NULL CHECK (audio_output >= 0),
    image bigint NOT NULL CHECK (image >= 0),
    "character" bigint NOT NULL CHECK ("character" >= 0),
    "second" bigint NOT NULL CHECK ("second" >= 0),
    session bigint NOT NULL CHECK (session >= 0),
    search bigint NOT NULL CHECK (search >= 0),
    bytes bigint NOT NULL CHECK (bytes >= 0),
    -- In US dollars; null is unpriced, zero is free.
    cost numeric CHECK (cost <> 'NaN'),
    price_id uuid,
    -- How the model's name became an entry of the price book, or why it did not.
    resolution text NOT NULL
);
-- NULLS NOT DISTINCT: a line without a project, a key or a model is the same line at the next look. Lines of one hour
-- and meter lie together.
CREATE UNIQUE INDEX provider_usage_line ON provider_usage
    (organization_id, provider_account, meter, minute, provider_project_id, provider_api_key_id, model, batch, tier, provider)
    NULLS NOT DISTINCT;
CREATE INDEX provider_usage_unattributed ON provider_usage (organization_id, provider_project_id, minute)
    WHERE project_id IS NULL AND provider_project_id IS NOT NULL;
CALL finops_protect_hot('provider_usage', 'SELECT, INSERT, UPDATE, DELETE');

-- Derived from the lines, rebuilt slice by slice (account, meter and hour) in the transaction that changes them.
-- `finops verify-rollups` compares the two while the lines are kept; the sums stay.
CREATE TABLE provider_usage_hourly (
    organization_id uuid NOT NULL,
    hour timestamptz NOT NULL CHECK (hour = date_trunc('hour', hour, 'UTC')),
    provider text NOT NULL,
    provider_account text NOT NULL,
    meter text NOT NULL,
    provider_api_key_id text,
    model text,
    project_id uuid,
    team_id uuid NOT NULL,
    requests bigint NOT NULL,
    unpriced bigint NOT NULL,
    input bigint NOT NULL,
    cached_input bigint NOT NULL,
    cache_write_5m bigint NOT NULL,
    output bigint NOT NULL,
    audio_input bigint NOT NULL,
    audio_output bigint NOT NULL,
    image bigint NOT NULL,
    "character" bigint NOT NULL,
    "second" bigint NOT NULL,
    session bigint NOT NULL,
    search bigint NOT NULL,
    bytes bigint NOT NULL,
    cost numeric NOT NULL
);
CREATE UNIQUE INDEX provider_usage_hourly_key ON provider_usage_hourly
    (organization_id, hour, provider_account, meter, project_id, team_id, model, provider_api_key_id, provider)
    NULLS NOT DISTINCT;
CALL finops_protect_hot('provider_usage_hourly', 'SELECT, INSERT, DELETE');

-- The same by UTC day, as the bill has its days: what decides, per project and day, which ledger a figure is from.
-- Rebuilt (account and day) from the hours with them.
CREATE TABLE provider_usage_daily (
    organization_id uuid NOT NULL,
    day date NOT NULL,
    provider text NOT NULL,
    provider_account text NOT NULL,
    project_id uuid,
    team_id uuid NOT NULL,
    requests bigint NOT NULL,
    unpriced bigint NOT NULL,
    input bigint NOT NULL,
    cached_input bigint NOT NULL,
    cache_write_5m bigint NOT NULL,
    output bigint NOT NULL,
    audio_input bigint NOT NULL,
    audio_output bigint NOT NULL,
    cost numeric NOT NULL
);
CREATE UNIQUE INDEX provider_usage_daily_key ON provider_usage_daily
    (organization_id, day, provider, provider_account, project_id, team_id) NULLS NOT DISTINCT;
CALL finops_protect_hot('provider_usage_daily', 'SELECT, INSERT, DELETE');

-- Hours that were brought in, meter by meter, and when their lines last changed: an hour is asked for again until it has
-- been still for long enough. Its row goes with its lines.
CREATE TABLE provider_usage_hours (
    organization_id uuid NOT NULL,
    provider text NOT NULL,
    provider_account text NOT NULL,
    meter text NOT NULL,
    hour timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, provider_account, meter, hour, provider)
);
CALL finops_protect_hot('provider_usage_hours', 'SELECT, INSERT, UPDATE, DELETE');

-- How far each meter is.
CREATE TABLE provider_usage_meters (
    organization_id uuid NOT NULL,
    provider text NOT NULL,
    provider_account text NOT NULL,
    meter text NOT NULL,
    -- Every minute before this one is stored.
    polled_through timestamptz NOT NULL,
    PRIMARY KEY (organization_id, provider, provider_account, meter)
);
CALL finops_protect_hot('provider_usage_meters', 'SELECT, INSERT, UPDATE');

-- Who is polling an account, and how the last run ended. The lease is checked inside every transaction that stores usage.
-- It holds no secret and no cost; the service's own metrics read it across organizations.
CREATE TABLE provider_usage_accounts (
    organization_id uuid NOT NULL REFERENCES organizations,
    provider text NOT NULL,
    provider_account text NOT NULL,
    lease_owner uuid,
    lease_until timestamptz,
    last_run_at timestamptz,
    last_success_at timestamptz,
    last_error_code text,
    last_error_at timestamptz,
    -- Runs in a row that failed, and when the next one may begin.
    failures integer NOT NULL DEFAULT 0,
    not_before timestamptz,
    PRIMARY KEY (organization_id, provider, provider_account)
);
CALL finops_protect('provider_usage_accounts', 'platform', 'SELECT, INSERT, UPDATE');
