-- What events add to the hourly sums is written beside them, in their transaction, as it comes: one row a group, appended,
-- so that nobody waits for a sum that somebody else is changing. Folding adds what lies there to the sums, many rows at a
-- time. Whoever reads sums reads what is not folded yet with them, through the views below, and so reads all of it.

-- What a group adds to one row of `usage_hourly`. A kind of which it adds nothing is null, which takes no room.
CREATE TYPE usage_delta AS (
    hour timestamptz,
    project_id uuid,
    team_id uuid,
    environment text,
    provider text,
    model text,
    service text,
    events bigint,
    failed bigint,
    unpriced bigint,
    free bigint,
    input bigint,
    cached_input bigint,
    cache_write_5m bigint,
    cache_write_1h bigint,
    output bigint,
    reasoning bigint,
    audio_input bigint,
    audio_output bigint,
    image bigint,
    "character" bigint,
    request bigint,
    search bigint,
    unsplit bigint,
    "second" numeric,
    cost numeric,
    reported_cost numeric,
    -- The bucket of each call that said how long it took.
    latency smallint[]
);

-- What a group adds for one learner, user, API key and task type, as far as they are known: to a row each of
-- `usage_dimension_hourly`.
CREATE TYPE usage_dimension_delta AS (
    hour timestamptz,
    project_id uuid,
    team_id uuid,
    provider text,
    learner_id text,
    user_id text,
    api_key_id uuid,
    task_type text,
    events bigint,
    failed bigint,
    unpriced bigint,
    tokens bigint,
    cost numeric,
    reported_cost numeric
);

-- An event as the service hands it over: the columns of `usage_events` that it fills.
CREATE TYPE usage_event_row AS (
    event_key uuid,
    project_id uuid,
    team_id uuid,
    api_key_id uuid,
    price_id uuid,
    occurred_at timestamptz,
    input bigint,
    cached_input bigint,
    cache_write_5m bigint,
    cache_write_1h bigint,
    output bigint,
    reasoning bigint,
    audio_input bigint,
    audio_output bigint,
    image bigint,
    "character" bigint,
    request bigint,
    search bigint,
    unsplit bigint,
    latency_ms integer,
    failed boolean,
    event_id text,
    source text,
    provider text,
    model text,
    "second" numeric,
    cost numeric,
    reported_cost numeric,
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
    tags text,
    cost_allocation jsonb,
    metadata jsonb
);

CREATE TABLE usage_deltas (
    organization_id uuid NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    -- How much there is to fold, in elements of both arrays.
    size integer NOT NULL CHECK (size > 0),
    sums usage_delta[] NOT NULL,
    dimensions usage_dimension_delta[] NOT NULL,
    PRIMARY KEY (organization_id, id)
);
-- It lies here for seconds: pressing it costs more than it saves.
ALTER TABLE usage_deltas ALTER COLUMN sums SET STORAGE EXTERNAL, ALTER COLUMN dimensions SET STORAGE EXTERNAL;
CALL finops_protect_hot('usage_deltas', 'SELECT, INSERT, DELETE');

-- Who has something to fold. Only that: what it is stays the organization's. The owner is bound by row-level security
-- like everybody, so it has a policy of its own, which nobody else can use.
CREATE POLICY owner_looks ON usage_deltas FOR SELECT TO CURRENT_USER USING (true);
CREATE FUNCTION finops_unfolded_organizations() RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    BEGIN ATOMIC
        SELECT DISTINCT organization_id FROM usage_deltas;
    END;
REVOKE ALL ON FUNCTION finops_unfolded_organizations() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION finops_unfolded_organizations() TO finops_app;

-- Buckets of calls as a histogram: how many fell into each.
CREATE FUNCTION finops_histogram(buckets smallint[]) RETURNS bigint[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (SELECT array_agg(coalesce(calls, 0) ORDER BY place) FROM generate_series(0, 60) AS place
        LEFT JOIN (SELECT bucket, count(*) AS calls FROM unnest(buckets) AS b (bucket) GROUP BY bucket) AS counted
        ON bucket = place);

CREATE AGGREGATE finops_concat(smallint[]) (SFUNC = array_cat, STYPE = smallint[], PARALLEL = SAFE);

-- The sums of `usage_hourly`, and what is not folded into them yet. More than one row may have the same key.
CREATE VIEW usage_sums WITH (security_invoker = true) AS
    SELECT organization_id, hour, project_id, team_id, environment, provider, model, service,
        events, failed, unpriced, free, input, cached_input, cache_write_5m, cache_write_1h, output, reasoning,
        audio_input, audio_output, image, "character", request, search, unsplit, "second", cost, reported_cost, latency
    FROM usage_hourly
    UNION ALL
    SELECT p.organization_id, d.hour, d.project_id, d.team_id, d.environment, d.provider, d.model, d.service,
        d.events, d.failed, d.unpriced, d.free, coalesce(d.input, 0), coalesce(d.cached_input, 0),
        coalesce(d.cache_write_5m, 0), coalesce(d.cache_write_1h, 0), coalesce(d.output, 0), coalesce(d.reasoning, 0),
        coalesce(d.audio_input, 0), coalesce(d.audio_output, 0), coalesce(d.image, 0), coalesce(d."character", 0),
        coalesce(d.request, 0), coalesce(d.search, 0), coalesce(d.unsplit, 0), coalesce(d."second", 0),
        d.cost, d.reported_cost, finops_histogram(d.latency)
    FROM usage_deltas p CROSS JOIN LATERAL unnest(p.sums) AS d;

-- The same of `usage_dimension_hourly`.
CREATE VIEW usage_dimension_sums WITH (security_invoker = true) AS
    SELECT organization_id, hour, dimension, value, project_id, team_id, provider, events, failed, unpriced, tokens, cost,
        reported_cost
    FROM usage_dimension_hourly
    UNION ALL
    SELECT p.organization_id, d.hour, v.dimension, v.value, d.project_id, d.team_id, d.provider, d.events, d.failed,
        d.unpriced, d.tokens, d.cost, d.reported_cost
    FROM usage_deltas p CROSS JOIN LATERAL unnest(p.dimensions) AS d
    CROSS JOIN LATERAL (VALUES
        ('learner', d.learner_id), ('user', d.user_id), ('api_key', d.api_key_id::text), ('task_type', d.task_type)
    ) AS v (dimension, value)
    WHERE v.value IS NOT NULL;
GRANT SELECT ON usage_sums, usage_dimension_sums TO finops_app;

-- What has to be added to an organization's sums of a UTC day to make them what its events add up to: nothing, if all is
-- well, and nothing for a day of which events were deleted.
CREATE OR REPLACE FUNCTION finops_usage_hourly_drift(organization uuid, day date) RETURNS SETOF usage_hourly
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
        FROM usage_sums
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
CREATE OR REPLACE FUNCTION finops_usage_dimension_drift(organization uuid, day date) RETURNS SETOF usage_dimension_hourly
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
        FROM usage_dimension_sums
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
