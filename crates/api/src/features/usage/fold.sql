-- Adds an organization's oldest deltas, up to about $2 elements of them, to its sums, and says how many elements it took.
WITH due AS (
    SELECT id FROM (
        SELECT id, sum(size) OVER (ORDER BY id) - size AS before FROM usage_deltas WHERE organization_id = $1
    ) AS waiting
    WHERE before < $2
), taken AS (
    DELETE FROM usage_deltas WHERE organization_id = $1 AND id IN (SELECT id FROM due)
    RETURNING size, sums, dimensions, outcomes
), outcomes AS (
    INSERT INTO usage_outcome_hourly AS h (organization_id, project_id, hour, team_id, task_type, provider, model,
        successes, failures, others, scores, score)
    SELECT $1, d.project_id, d.hour, d.team_id, d.task_type, d.provider, d.model,
        coalesce(sum(d.outcomes) FILTER (WHERE finops_outcome(d.outcome) = 'success'), 0)::bigint,
        coalesce(sum(d.outcomes) FILTER (WHERE finops_outcome(d.outcome) = 'failure'), 0)::bigint,
        coalesce(sum(d.outcomes) FILTER (WHERE finops_outcome(d.outcome) = 'other'), 0)::bigint,
        sum(d.scores)::bigint, sum(d.score)
    FROM taken CROSS JOIN LATERAL unnest(taken.outcomes) AS d
    GROUP BY d.project_id, d.hour, d.team_id, d.task_type, d.provider, d.model
    ON CONFLICT (organization_id, project_id, hour, team_id, task_type, provider, model) DO UPDATE SET
        successes = h.successes + excluded.successes, failures = h.failures + excluded.failures,
        others = h.others + excluded.others, scores = h.scores + excluded.scores, score = h.score + excluded.score
), dimensions AS (
    INSERT INTO usage_dimension_hourly AS h (organization_id, hour, dimension, value, project_id, team_id, provider,
        events, failed, unpriced, tokens, cost, reported_cost)
    SELECT $1, d.hour, v.dimension, v.value, d.project_id, d.team_id, d.provider, sum(d.events)::bigint,
        sum(d.failed)::bigint, sum(d.unpriced)::bigint, sum(d.tokens)::bigint, sum(d.cost), sum(d.reported_cost)
    FROM taken CROSS JOIN LATERAL unnest(taken.dimensions) AS d
    CROSS JOIN LATERAL (VALUES
        ('learner', d.learner_id), ('user', d.user_id), ('api_key', d.api_key_id::text), ('task_type', d.task_type)
    ) AS v (dimension, value)
    WHERE v.value IS NOT NULL
    GROUP BY d.hour, v.dimension, v.value, d.project_id, d.team_id, d.provider
    ON CONFLICT (organization_id, dimension, hour, value, project_id, team_id, provider) DO UPDATE SET
        events = h.events + excluded.events, failed = h.failed + excluded.failed,
        unpriced = h.unpriced + excluded.unpriced, tokens = h.tokens + excluded.tokens,
        cost = h.cost + excluded.cost, reported_cost = h.reported_cost + excluded.reported_cost
), daily AS (
    INSERT INTO usage_daily AS h (organization_id, day, project_id, team_id, environment, provider, model, service,
        events, failed, unpriced, free, input, cached_input, cache_write_5m, cache_write_1h, output, reasoning,
        audio_input, audio_output, image, "character", request, search, unsplit, "second", cost, reported_cost)
    SELECT $1, (d.hour AT TIME ZONE 'UTC')::date, d.project_id, d.team_id, d.environment, d.provider, d.model, d.service,
        sum(d.events)::bigint, sum(d.failed)::bigint, sum(d.unpriced)::bigint, sum(d.free)::bigint,
        coalesce(sum(d.input), 0)::bigint, coalesce(sum(d.cached_input), 0)::bigint,
        coalesce(sum(d.cache_write_5m), 0)::bigint, coalesce(sum(d.cache_write_1h), 0)::bigint,
        coalesce(sum(d.output), 0)::bigint, coalesce(sum(d.reasoning), 0)::bigint,
        coalesce(sum(d.audio_input), 0)::bigint, coalesce(sum(d.audio_output), 0)::bigint,
        coalesce(sum(d.image), 0)::bigint, coalesce(sum(d."character"), 0)::bigint,
        coalesce(sum(d.request), 0)::bigint, coalesce(sum(d.search), 0)::bigint,
        coalesce(sum(d.unsplit), 0)::bigint, coalesce(sum(d."second"), 0), sum(d.cost), sum(d.reported_cost)
    FROM taken CROSS JOIN LATERAL unnest(taken.sums) AS d
    GROUP BY 2, d.project_id, d.team_id, d.environment, d.provider, d.model, d.service
    ON CONFLICT (organization_id, day, project_id, team_id, environment, provider, model, service) DO UPDATE SET
        events = h.events + excluded.events, failed = h.failed + excluded.failed,
        unpriced = h.unpriced + excluded.unpriced, free = h.free + excluded.free,
        input = h.input + excluded.input, cached_input = h.cached_input + excluded.cached_input,
        cache_write_5m = h.cache_write_5m + excluded.cache_write_5m,
        cache_write_1h = h.cache_write_1h + excluded.cache_write_1h,
        output = h.output + excluded.output, reasoning = h.reasoning + excluded.reasoning,
        audio_input = h.audio_input + excluded.audio_input, audio_output = h.audio_output + excluded.audio_output,
        image = h.image + excluded.image, "character" = h."character" + excluded."character",
        request = h.request + excluded.request, search = h.search + excluded.search,
        unsplit = h.unsplit + excluded.unsplit, "second" = h."second" + excluded."second",
        cost = h.cost + excluded.cost, reported_cost = h.reported_cost + excluded.reported_cost
), hourly AS (
    INSERT INTO usage_hourly AS h (organization_id, hour, project_id, team_id, environment, provider, model, service,
        events, failed, unpriced, free, input, cached_input, cache_write_5m, cache_write_1h, output, reasoning,
        audio_input, audio_output, image, "character", request, search, unsplit, "second", cost, reported_cost, latency)
    SELECT $1, d.hour, d.project_id, d.team_id, d.environment, d.provider, d.model, d.service,
        sum(d.events)::bigint, sum(d.failed)::bigint, sum(d.unpriced)::bigint, sum(d.free)::bigint,
        coalesce(sum(d.input), 0)::bigint, coalesce(sum(d.cached_input), 0)::bigint,
        coalesce(sum(d.cache_write_5m), 0)::bigint, coalesce(sum(d.cache_write_1h), 0)::bigint,
        coalesce(sum(d.output), 0)::bigint, coalesce(sum(d.reasoning), 0)::bigint,
        coalesce(sum(d.audio_input), 0)::bigint, coalesce(sum(d.audio_output), 0)::bigint,
        coalesce(sum(d.image), 0)::bigint, coalesce(sum(d."character"), 0)::bigint,
        coalesce(sum(d.request), 0)::bigint, coalesce(sum(d.search), 0)::bigint,
        coalesce(sum(d.unsplit), 0)::bigint, coalesce(sum(d."second"), 0), sum(d.cost), sum(d.reported_cost),
        finops_histogram(finops_concat(d.latency))
    FROM taken CROSS JOIN LATERAL unnest(taken.sums) AS d
    GROUP BY d.hour, d.project_id, d.team_id, d.environment, d.provider, d.model, d.service
    ON CONFLICT (organization_id, hour, project_id, team_id, environment, provider, model, service) DO UPDATE SET
        events = h.events + excluded.events, failed = h.failed + excluded.failed,
        unpriced = h.unpriced + excluded.unpriced, free = h.free + excluded.free,
        input = h.input + excluded.input, cached_input = h.cached_input + excluded.cached_input,
        cache_write_5m = h.cache_write_5m + excluded.cache_write_5m,
        cache_write_1h = h.cache_write_1h + excluded.cache_write_1h,
        output = h.output + excluded.output, reasoning = h.reasoning + excluded.reasoning,
        audio_input = h.audio_input + excluded.audio_input, audio_output = h.audio_output + excluded.audio_output,
        image = h.image + excluded.image, "character" = h."character" + excluded."character",
        request = h.request + excluded.request, search = h.search + excluded.search,
        unsplit = h.unsplit + excluded.unsplit, "second" = h."second" + excluded."second",
        cost = h.cost + excluded.cost, reported_cost = h.reported_cost + excluded.reported_cost,
        latency = finops_add_buckets(h.latency, excluded.latency)
)
SELECT coalesce(sum(size), 0)::bigint AS "size!" FROM taken
