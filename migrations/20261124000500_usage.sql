-- Usage events: one row an AI call, by the UTC day on which it happened. The hot path of the service: no foreign keys
-- (each would be a look-up a row; the service checks projects and teams before it stores), one index, columns in the
-- order that wastes no padding. What was not measured is null, not zero.
CREATE TABLE usage_events (
    organization_id uuid NOT NULL,
    -- The event id's hash, the same that the guard knows it by.
    event_key uuid NOT NULL,
    project_id uuid,
    team_id uuid,
    api_key_id uuid,
    price_id uuid,
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    input bigint CHECK (input >= 0),
    cached_input bigint CHECK (cached_input >= 0),
    cache_write_5m bigint CHECK (cache_write_5m >= 0),
    cache_write_1h bigint CHECK (cache_write_1h >= 0),
    output bigint CHECK (output >= 0),
    reasoning bigint CHECK (reasoning >= 0),
    audio_input bigint CHECK (audio_input >= 0),
    audio_output bigint CHECK (audio_output >= 0),
    image bigint CHECK (image >= 0),
    "character" bigint CHECK ("character" >= 0),
    request bigint CHECK (request >= 0),
    search bigint CHECK (search >= 0),
    -- Tokens of which the caller did not say whether they went in or came out.
    unsplit bigint CHECK (unsplit >= 0),
    latency_ms integer CHECK (latency_ms >= 0),
    failed boolean NOT NULL,
    event_id text NOT NULL,
    source text NOT NULL,
    provider text NOT NULL,
    model text NOT NULL,
    "second" numeric CHECK ("second" >= 0 AND "second" <> 'NaN'),
    -- Ours, in US dollars; null is unpriced, zero is free.
    cost numeric CHECK (cost <> 'NaN'),
    -- What the caller says it cost, kept beside ours and never added to it.
    reported_cost numeric CHECK (reported_cost <> 'NaN'),
    -- How the model's name became an entry of the price book, or why it did not.
    resolution text,
    environment text,
    service text,
    service_tier text,
    region text,
    status text,
    user_id text,
    learner_id text,
    session_id text,
    task_type text,
    intent text,
    outcome text,
    feedback_score numeric,
    ip text,
    user_agent text,
    -- Joined by the unit separator, which no tag holds: an array of two short words takes five times the room.
    tags text,
    cost_allocation jsonb,
    metadata jsonb
) PARTITION BY RANGE (occurred_at);

-- Reading is by time. Pages are cut by time and key, and the few events of one moment are sorted as they are read.
CREATE INDEX usage_events_time ON usage_events (organization_id, occurred_at);

-- Each id that was stored, for as long as a caller may send it again. The conflict of two inserts here is what makes
-- an event stored once, whichever replicas take it.
CREATE TABLE usage_event_ids (
    organization_id uuid NOT NULL,
    event_key uuid NOT NULL,
    body_hash bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, event_key)
);
-- Rows are appended in the order of their arrival, which is all that a block range index needs.
CREATE INDEX usage_event_ids_received ON usage_event_ids USING brin (received_at) WITH (pages_per_range = 32);

-- Sums by the hour, changed in the transaction that stores the events: what dashboards and budgets read. Its grain has
-- no dimension that grows with the customers' customers. `finops verify-rollups` compares it with the events.
CREATE TABLE usage_hourly (
    organization_id uuid NOT NULL,
    hour timestamptz NOT NULL CHECK (hour = date_trunc('hour', hour, 'UTC')),
    project_id uuid,
    team_id uuid,
    environment text,
    provider text NOT NULL,
    model text NOT NULL,
    service text,
    events bigint NOT NULL,
    failed bigint NOT NULL,
    unpriced bigint NOT NULL,
    free bigint NOT NULL,
    input bigint NOT NULL,
    cached_input bigint NOT NULL,
    cache_write_5m bigint NOT NULL,
    cache_write_1h bigint NOT NULL,
    output bigint NOT NULL,
    reasoning bigint NOT NULL,
    audio_input bigint NOT NULL,
    audio_output bigint NOT NULL,
    image bigint NOT NULL,
    "character" bigint NOT NULL,
    request bigint NOT NULL,
    search bigint NOT NULL,
    unsplit bigint NOT NULL,
    "second" numeric NOT NULL,
    cost numeric NOT NULL,
    reported_cost numeric NOT NULL,
    -- How many calls took how long: counts by bucket, which can be added. Null when no call said.
    latency bigint[]
) WITH (fillfactor = 60);
-- A reader asks for a range of hours; sums of one hour lie together.
CREATE UNIQUE INDEX usage_hourly_key ON usage_hourly
    (organization_id, hour, project_id, team_id, environment, provider, model, service) NULLS NOT DISTINCT;

-- The same by what may have many values: a learner, a user, an API key, a task type. One row an hour and value.
CREATE TABLE usage_dimension_hourly (
    organization_id uuid NOT NULL,
    hour timestamptz NOT NULL CHECK (hour = date_trunc('hour', hour, 'UTC')),
    dimension text NOT NULL CHECK (dimension IN ('learner', 'user', 'api_key', 'task_type')),
    value text NOT NULL,
    project_id uuid,
    team_id uuid,
    provider text NOT NULL,
    events bigint NOT NULL,
    failed bigint NOT NULL,
    unpriced bigint NOT NULL,
    tokens bigint NOT NULL,
    cost numeric NOT NULL,
    reported_cost numeric NOT NULL
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX usage_dimension_hourly_key ON usage_dimension_hourly
    (organization_id, dimension, hour, value, project_id, team_id, provider) NULLS NOT DISTINCT;

-- Adds two histograms, bucket by bucket.
CREATE FUNCTION finops_add_buckets(a bigint[], b bigint[]) RETURNS bigint[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN a IS NULL THEN b WHEN b IS NULL THEN a ELSE
        (SELECT array_agg(coalesce(x, 0) + coalesce(y, 0) ORDER BY place) FROM unnest(a, b) WITH ORDINALITY AS t (x, y, place))
    END;

-- Row-level security as everywhere, with the organization looked up once a statement instead of once a row.
CREATE PROCEDURE finops_protect_hot(target regclass, privileges text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    EXECUTE format('CREATE POLICY own_organization ON %s USING (organization_id = (SELECT finops_organization()))', target);
    EXECUTE format('GRANT %s ON %s TO finops_app', privileges, target);
END
$$;
CALL finops_protect_hot('usage_events', 'SELECT, INSERT, UPDATE, DELETE');
CALL finops_protect_hot('usage_event_ids', 'SELECT, INSERT, DELETE');
CALL finops_protect_hot('usage_hourly', 'SELECT, INSERT, UPDATE, DELETE');
CALL finops_protect_hot('usage_dimension_hourly', 'SELECT, INSERT, UPDATE, DELETE');

-- Makes the partition of a UTC day, if there is none. The service owns no table, so it asks the owner's function.
-- Attached rather than created in place: that blocks neither readers nor writers of the other days.
CREATE FUNCTION finops_usage_partition(day date) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    name text := 'usage_events_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF day < date '2015-01-01' OR day > (now() AT TIME ZONE 'UTC')::date + 400 THEN
        RAISE EXCEPTION 'no partition for %', day USING ERRCODE = '22008';
    END IF;
    IF to_regclass('public.' || name) IS NOT NULL THEN
        RETURN false;
    END IF;
    -- One at a time. A lock on the table, because taking one also brings the catalog's news: what was not there a moment
    -- ago would not be there still.
    LOCK TABLE public.usage_events IN SHARE UPDATE EXCLUSIVE MODE;
    IF to_regclass('public.' || name) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE public.%I (LIKE public.usage_events INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
    EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE public.usage_events ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)', name,
        day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
    RETURN true;
END
$$;
REVOKE ALL ON FUNCTION finops_usage_partition(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION finops_usage_partition(date) TO finops_app;

-- Drops the partitions before a day: only what no organization keeps any more. The days that were dropped.
CREATE FUNCTION finops_drop_usage_before(day date) RETURNS SETOF date
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    partition record;
    scope text := coalesce(current_setting('finops.scope', true), '');
BEGIN
    -- The owner is bound by row-level security like everybody, and must see every organization here.
    PERFORM set_config('finops.scope', 'platform', true);
    -- The longest retention there is decides, whatever the caller thinks.
    IF EXISTS (SELECT FROM public.organizations WHERE (now() AT TIME ZONE 'UTC')::date - retention_days < day) THEN
        RAISE EXCEPTION 'an organization keeps events from before %', day USING ERRCODE = '22008';
    END IF;
    PERFORM set_config('finops.scope', scope, true);
    FOR partition IN
        SELECT c.relname, to_date(right(c.relname, 8), 'YYYYMMDD') AS held
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'public.usage_events'::regclass AND to_date(right(c.relname, 8), 'YYYYMMDD') < day
    LOOP
        EXECUTE format('DROP TABLE public.%I', partition.relname);
        RETURN NEXT partition.held;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION finops_drop_usage_before(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION finops_drop_usage_before(date) TO finops_app;

-- A week back to a week ahead, so that the first event finds its day.
SELECT finops_usage_partition((now() AT TIME ZONE 'UTC')::date + ahead) FROM generate_series(-7, 7) AS ahead;
