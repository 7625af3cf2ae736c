-- The coarse sums by UTC day: what ninety days cost is asked all the time, and hours are a twentieth of an answer each.
-- Folding changes them with the hours. Days of other zones are summed up from hours.
CREATE TABLE usage_daily (
    organization_id uuid NOT NULL,
    day date NOT NULL,
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
    reported_cost numeric NOT NULL
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX usage_daily_key ON usage_daily
    (organization_id, day, project_id, team_id, environment, provider, model, service) NULLS NOT DISTINCT;

-- What was summed up by hours until now. The owner is bound by row-level security like everybody, but for this moment.
ALTER TABLE usage_hourly NO FORCE ROW LEVEL SECURITY;
INSERT INTO usage_daily
SELECT organization_id, (hour AT TIME ZONE 'UTC')::date, project_id, team_id, environment, provider, model, service,
    sum(events), sum(failed), sum(unpriced), sum(free), sum(input), sum(cached_input), sum(cache_write_5m),
    sum(cache_write_1h), sum(output), sum(reasoning), sum(audio_input), sum(audio_output), sum(image), sum("character"),
    sum(request), sum(search), sum(unsplit), sum("second"), sum(cost), sum(reported_cost)
FROM usage_hourly GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;
ALTER TABLE usage_hourly FORCE ROW LEVEL SECURITY;
CALL finops_protect_hot('usage_daily', 'SELECT, INSERT, UPDATE, DELETE');

-- The sums of `usage_daily`, and what is not folded into them yet. More than one row may have the same key.
CREATE VIEW usage_daily_sums WITH (security_invoker = true) AS
    SELECT organization_id, day, project_id, team_id, environment, provider, model, service,
        events, failed, unpriced, free, input, cached_input, cache_write_5m, cache_write_1h, output, reasoning,
        audio_input, audio_output, image, "character", request, search, unsplit, "second", cost, reported_cost
    FROM usage_daily
    UNION ALL
    SELECT p.organization_id, (d.hour AT TIME ZONE 'UTC')::date, d.project_id, d.team_id, d.environment, d.provider,
        d.model, d.service, d.events, d.failed, d.unpriced, d.free, coalesce(d.input, 0), coalesce(d.cached_input, 0),
        coalesce(d.cache_write_5m, 0), coalesce(d.cache_write_1h, 0), coalesce(d.output, 0), coalesce(d.reasoning, 0),
        coalesce(d.audio_input, 0), coalesce(d.audio_output, 0), coalesce(d.image, 0), coalesce(d."character", 0),
        coalesce(d.request, 0), coalesce(d.search, 0), coalesce(d.unsplit, 0), coalesce(d."second", 0),
        d.cost, d.reported_cost
    FROM usage_deltas p CROSS JOIN LATERAL unnest(p.sums) AS d;
GRANT SELECT ON usage_daily_sums TO finops_app;

-- What has to be added to an organization's sums of a UTC day, as of the hours.
CREATE FUNCTION finops_usage_daily_drift(organization uuid, of_day date) RETURNS SETOF usage_daily
    LANGUAGE sql STABLE AS $$
    WITH differences AS (
        SELECT project_id, team_id, environment, provider, model, service,
            count(*) AS events, count(*) FILTER (WHERE failed) AS failed, count(*) FILTER (WHERE cost IS NULL) AS unpriced,
            count(*) FILTER (WHERE cost = 0) AS free,
            sum(input) AS input,
            sum(cached_input) AS cached_input,
            sum(cache_write_5m) AS cache_write_5m,
            sum(cache_write_1h) AS cache_write_1h,
            sum(output) AS output,
            sum(reasoning) AS reasoning,
            sum(audio_input) AS audio_input,
            sum(audio_output) AS audio_output,
            sum(image) AS image,
            sum("character") AS "character",
            sum(request) AS request,
            sum(search) AS search,
            sum(unsplit) AS unsplit,
            sum("second") AS "second", sum(cost) AS cost, sum(reported_cost) AS reported_cost
        FROM usage_events
        WHERE organization_id = organization
            AND occurred_at >= of_day::timestamp AT TIME ZONE 'UTC'
            AND occurred_at < (of_day + 1)::timestamp AT TIME ZONE 'UTC'
        GROUP BY 1, 2, 3, 4, 5, 6
        UNION ALL
        SELECT project_id, team_id, environment, provider, model, service, -events, -failed, -unpriced, -free,
            -input, -cached_input, -cache_write_5m, -cache_write_1h, -output, -reasoning, -audio_input, -audio_output,
            -image, -"character", -request, -search, -unsplit, -"second", -cost, -reported_cost
        FROM usage_daily_sums WHERE organization_id = organization AND day = of_day
    ), drift AS (
        SELECT project_id, team_id, environment, provider, model, service,
            sum(events) AS events, sum(failed) AS failed, sum(unpriced) AS unpriced, sum(free) AS free,
            coalesce(sum(input), 0) AS input,
            coalesce(sum(cached_input), 0) AS cached_input,
            coalesce(sum(cache_write_5m), 0) AS cache_write_5m,
            coalesce(sum(cache_write_1h), 0) AS cache_write_1h,
            coalesce(sum(output), 0) AS output,
            coalesce(sum(reasoning), 0) AS reasoning,
            coalesce(sum(audio_input), 0) AS audio_input,
            coalesce(sum(audio_output), 0) AS audio_output,
            coalesce(sum(image), 0) AS image,
            coalesce(sum("character"), 0) AS "character",
            coalesce(sum(request), 0) AS request,
            coalesce(sum(search), 0) AS search,
            coalesce(sum(unsplit), 0) AS unsplit,
            coalesce(sum("second"), 0) AS "second", coalesce(sum(cost), 0) AS cost,
            coalesce(sum(reported_cost), 0) AS reported_cost
        FROM differences GROUP BY project_id, team_id, environment, provider, model, service
    )
    SELECT organization, of_day, project_id, team_id, environment, provider, model, service,
        events::bigint, failed::bigint, unpriced::bigint, free::bigint, input::bigint, cached_input::bigint,
        cache_write_5m::bigint, cache_write_1h::bigint, output::bigint, reasoning::bigint, audio_input::bigint,
        audio_output::bigint, image::bigint, "character"::bigint, request::bigint, search::bigint, unsplit::bigint,
        "second", cost, reported_cost
    FROM drift
    WHERE (events, failed, unpriced, free, input, cached_input, cache_write_5m, cache_write_1h,
            output, reasoning, audio_input, audio_output, image, "character", request,
            search, unsplit, "second", cost, reported_cost)
            <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        AND NOT EXISTS (SELECT FROM usage_kept k WHERE k.organization_id = organization AND k.since > of_day)
$$;
