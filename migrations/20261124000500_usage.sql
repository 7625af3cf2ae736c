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
    -- What lies beyond is a slip. How late an event may be is the service's to say, by its clock.
    IF day < date '2000-01-01' OR day >= date '2100-01-01' THEN
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

-- The first day of which an organization's events are all there. It is written, and only ever moved ahead, before
-- anything is deleted: whoever sees that an event is gone sees this too. No row: nothing was ever deleted.
CREATE TABLE usage_kept (
    organization_id uuid PRIMARY KEY REFERENCES organizations,
    since date NOT NULL
);
CALL finops_protect('usage_kept', 'platform', 'SELECT, INSERT, UPDATE');

-- Drops one partition of whose day no organization keeps its events, and says which; null once there is none. What is
-- kept is what `usage_kept` says, not what a caller thinks; an organization that is not there keeps everything.
CREATE FUNCTION finops_drop_usage_partition() RETURNS date
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
    -- The drop waits for everybody who uses the table, and whoever comes then waits for it: better to try again later.
    SET lock_timeout = '1s' AS $$
DECLARE
    scope text := coalesce(current_setting('finops.scope', true), '');
    kept date;
    name text;
BEGIN
    -- The owner is bound by row-level security like everybody, and must see every organization here.
    PERFORM set_config('finops.scope', 'platform', true);
    SELECT CASE WHEN count(*) = count(k.since) THEN min(k.since) END INTO kept
    FROM public.organizations o LEFT JOIN public.usage_kept k USING (organization_id);
    PERFORM set_config('finops.scope', scope, true);
    SELECT c.relname INTO name
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'public.usage_events'::regclass AND to_date(right(c.relname, 8), 'YYYYMMDD') < kept
    ORDER BY c.relname LIMIT 1;
    IF name IS NULL THEN
        RETURN NULL;
    END IF;
    EXECUTE format('DROP TABLE public.%I', name);
    RETURN to_date(right(name, 8), 'YYYYMMDD');
END
$$;
REVOKE ALL ON FUNCTION finops_drop_usage_partition() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION finops_drop_usage_partition() TO finops_app;

-- Forgetting ids is work across organizations: there is one block range index for all of them. Hashes and times.
CREATE POLICY platform_looks ON usage_event_ids FOR SELECT USING ((SELECT finops_platform()));
CREATE POLICY platform_forgets ON usage_event_ids FOR DELETE USING ((SELECT finops_platform()));

-- A week back to a week ahead, so that the first event finds its day. The service makes the days after that.
SELECT finops_usage_partition((now() AT TIME ZONE 'UTC')::date + ahead) FROM generate_series(-7, 7) AS ahead;

-- What follows proves the sums, and mends them. An event and what it adds are stored by one transaction, so any one
-- snapshot has both or neither, and the difference between a recomputation and what is stored is the same however many
-- events are just being stored: it is what has to be added, and adding it takes nothing from anybody's work.

-- The bucket of a latency: how many buckets end below it.
CREATE FUNCTION finops_latency_bucket(milliseconds integer) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN width_bucket(milliseconds, ARRAY[
        2, 2, 2, 3, 3, 4, 5, 6, 7, 9, 11, 13, 17, 21, 26, 33, 41, 51, 65, 81, 102, 129, 162, 204, 257, 323, 407, 513, 646, 813,
        1025, 1291, 1626, 2049, 2581, 3251, 4097, 5161, 6502, 8193, 10322, 13004, 16385, 20643, 26008, 32769, 41286, 52016,
        65537, 82571, 104032, 131073, 165141, 208064, 262145, 330281, 416128, 524289, 660562, 832256]);

-- So many calls in one bucket, as a histogram.
CREATE FUNCTION finops_one_bucket(bucket integer, calls bigint) RETURNS bigint[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN array_fill(0::bigint, ARRAY[bucket]) || calls || array_fill(0::bigint, ARRAY[60 - bucket]);

CREATE FUNCTION finops_negate_buckets(buckets bigint[]) RETURNS bigint[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (SELECT array_agg(-x ORDER BY place) FROM unnest(buckets) WITH ORDINALITY AS t (x, place));

CREATE AGGREGATE finops_sum_buckets(bigint[]) (SFUNC = finops_add_buckets, STYPE = bigint[], PARALLEL = SAFE);

-- What has to be added to an organization's sums of a UTC day to make them what its events add up to: nothing, if all is
-- well, and nothing for a day of which events were deleted.
CREATE FUNCTION finops_usage_hourly_drift(organization uuid, day date) RETURNS SETOF usage_hourly
    LANGUAGE sql STABLE AS $$
    WITH calls AS (
        SELECT date_trunc('hour', occurred_at, 'UTC') AS hour, project_id, team_id, environment, provider, model, service,
            count(*) AS events, count(*) FILTER (WHERE failed) AS failed, count(*) FILTER (WHERE cost IS NULL) AS unpriced,
            count(*) FILTER (WHERE cost = 0) AS free,
            sum(input) AS input, sum(cached_input) AS cached_input, sum(cache_write_5m) AS cache_write_5m,
            sum(cache_write_1h) AS cache_write_1h, sum(output) AS output, sum(reasoning) AS reasoning,
            sum(audio_input) AS audio_input, sum(audio_output) AS audio_output, sum(image) AS image,
            sum("character") AS "character", sum(request) AS request, sum(search) AS search, sum(unsplit) AS unsplit,
            sum("second") AS "second", sum(cost) AS cost, sum(reported_cost) AS reported_cost,
            finops_one_bucket(finops_latency_bucket(latency_ms), count(*)) AS latency
        FROM usage_events
        WHERE organization_id = organization
            AND occurred_at >= day::timestamp AT TIME ZONE 'UTC' AND occurred_at < (day + 1)::timestamp AT TIME ZONE 'UTC'
        GROUP BY 1, 2, 3, 4, 5, 6, 7, finops_latency_bucket(latency_ms)
    ), differences AS (
        SELECT hour, project_id, team_id, environment, provider, model, service,
            events, failed, unpriced, free, input, cached_input, cache_write_5m, cache_write_1h, output, reasoning,
            audio_input, audio_output, image, "character", request, search, unsplit, "second", cost, reported_cost,
            latency
        FROM calls
        UNION ALL
        SELECT hour, project_id, team_id, environment, provider, model, service,
            -events, -failed, -unpriced, -free, -input, -cached_input, -cache_write_5m, -cache_write_1h, -output,
            -reasoning, -audio_input, -audio_output, -image, -"character", -request, -search, -unsplit, -"second",
            -cost, -reported_cost, finops_negate_buckets(latency)
        FROM usage_hourly
        WHERE organization_id = organization
            AND hour >= day::timestamp AT TIME ZONE 'UTC' AND hour < (day + 1)::timestamp AT TIME ZONE 'UTC'
    ), drift AS (
        SELECT hour, project_id, team_id, environment, provider, model, service,
            coalesce(sum(events), 0) AS events, coalesce(sum(failed), 0) AS failed,
            coalesce(sum(unpriced), 0) AS unpriced, coalesce(sum(free), 0) AS free, coalesce(sum(input), 0) AS input,
            coalesce(sum(cached_input), 0) AS cached_input, coalesce(sum(cache_write_5m), 0) AS cache_write_5m,
            coalesce(sum(cache_write_1h), 0) AS cache_write_1h, coalesce(sum(output), 0) AS output,
            coalesce(sum(reasoning), 0) AS reasoning, coalesce(sum(audio_input), 0) AS audio_input,
            coalesce(sum(audio_output), 0) AS audio_output, coalesce(sum(image), 0) AS image,
            coalesce(sum("character"), 0) AS "character", coalesce(sum(request), 0) AS request,
            coalesce(sum(search), 0) AS search, coalesce(sum(unsplit), 0) AS unsplit,
            coalesce(sum("second"), 0) AS "second", coalesce(sum(cost), 0) AS cost,
            coalesce(sum(reported_cost), 0) AS reported_cost, finops_sum_buckets(latency) AS latency
        FROM differences GROUP BY hour, project_id, team_id, environment, provider, model, service
    )
    SELECT organization, hour, project_id, team_id, environment, provider, model, service,
        events::bigint, failed::bigint, unpriced::bigint, free::bigint, input::bigint, cached_input::bigint,
        cache_write_5m::bigint, cache_write_1h::bigint, output::bigint, reasoning::bigint, audio_input::bigint,
        audio_output::bigint, image::bigint, "character"::bigint, request::bigint, search::bigint, unsplit::bigint,
        "second", cost, reported_cost, latency
    FROM drift
    WHERE ((events, failed, unpriced, free, input, cached_input, cache_write_5m, cache_write_1h,
            output, reasoning, audio_input, audio_output, image, "character", request,
            search, unsplit, "second", cost, reported_cost)
            <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) OR 0 <> ANY (latency))
        AND NOT EXISTS (SELECT FROM usage_kept k WHERE k.organization_id = organization AND k.since > day)
$$;

-- The same for the sums by what may have many values.
CREATE FUNCTION finops_usage_dimension_drift(organization uuid, day date) RETURNS SETOF usage_dimension_hourly
    LANGUAGE sql STABLE AS $$
    WITH differences AS (
        SELECT date_trunc('hour', occurred_at, 'UTC') AS hour, d.dimension, d.value, project_id, team_id, provider,
            count(*) AS events, count(*) FILTER (WHERE failed) AS failed, count(*) FILTER (WHERE cost IS NULL) AS unpriced,
            sum(coalesce(input, 0) + coalesce(cached_input, 0) + coalesce(cache_write_5m, 0) + coalesce(cache_write_1h, 0)
                + coalesce(output, 0) + coalesce(reasoning, 0) + coalesce(audio_input, 0) + coalesce(audio_output, 0)
                + coalesce(unsplit, 0)) AS tokens,
            sum(cost) AS cost, sum(reported_cost) AS reported_cost
        FROM usage_events e CROSS JOIN LATERAL (VALUES
            ('learner', e.learner_id), ('user', e.user_id), ('api_key', e.api_key_id::text), ('task_type', e.task_type)
        ) AS d (dimension, value)
        WHERE e.organization_id = organization AND d.value IS NOT NULL
            AND occurred_at >= day::timestamp AT TIME ZONE 'UTC' AND occurred_at < (day + 1)::timestamp AT TIME ZONE 'UTC'
        GROUP BY 1, 2, 3, 4, 5, 6
        UNION ALL
        SELECT hour, dimension, value, project_id, team_id, provider,
            -events, -failed, -unpriced, -tokens, -cost, -reported_cost
        FROM usage_dimension_hourly
        WHERE organization_id = organization
            AND hour >= day::timestamp AT TIME ZONE 'UTC' AND hour < (day + 1)::timestamp AT TIME ZONE 'UTC'
    ), drift AS (
        SELECT hour, dimension, value, project_id, team_id, provider, sum(events) AS events, sum(failed) AS failed,
            sum(unpriced) AS unpriced, sum(tokens) AS tokens, coalesce(sum(cost), 0) AS cost,
            coalesce(sum(reported_cost), 0) AS reported_cost
        FROM differences GROUP BY hour, dimension, value, project_id, team_id, provider
    )
    SELECT organization, hour, dimension, value, project_id, team_id, provider,
        events::bigint, failed::bigint, unpriced::bigint, tokens::bigint, cost, reported_cost
    FROM drift
    WHERE (events, failed, unpriced, tokens, cost, reported_cost) <> (0, 0, 0, 0, 0, 0)
        AND NOT EXISTS (SELECT FROM usage_kept k WHERE k.organization_id = organization AND k.since > day)
$$;
