-- So many usage events over ninety days, as eight projects' four services call six models; their sums are the service's to
-- make. `events` is how many, `organization` whose.
SELECT count(finops_usage_partition((now() AT TIME ZONE 'UTC')::date - back)) FROM generate_series(1, 90) AS back;
INSERT INTO usage_events (organization_id, event_key, project_id, team_id, occurred_at, received_at, input, output,
    latency_ms, failed, event_id, source, provider, model, cost, resolution, environment, service, learner_id)
SELECT p.organization_id, gen_random_uuid(), p.id, p.team_id, at, at, 900 + n % 700, 150 + n % 300, 300 + n % 2000, false,
    'evt-' || n, 'api', 'openai', m.models[1 + n / 5 % 6], (100 + n % 900) * 0.000001, 'exact', 'production',
    m.services[1 + n / 3 % 4], 'learner-' || n * 7 % 2000
FROM (
    SELECT n, date_trunc('day', now(), 'UTC') - interval '90 days' + n * (interval '90 days' / :events) AS at
    FROM generate_series(0, :events - 1) AS n
) AS times
JOIN (SELECT *, row_number() OVER (ORDER BY id) - 1 AS place FROM projects) AS p ON p.place = n % 8
CROSS JOIN (SELECT ARRAY['gpt-4o-mini', 'gpt-4o', 'gpt-4.1', 'text-embedding-3-small', 'gpt-5', 'gpt-5-mini'] AS models,
    ARRAY['chatbot', 'search', 'tutor', 'summary'] AS services) AS m;
