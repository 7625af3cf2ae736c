-- A million lines over the ninety days before today, of the projects that are there and one that nobody registered.
-- Day, project, line item and API key of a line follow from its number, so that no two are the same line.
INSERT INTO billed_costs (organization_id, id, provider, provider_account, api_version, bucket_start, bucket_end,
    provider_project_id, line_item, provider_api_key_id, currency, amount, quantity, quantity_unit, model, project_id,
    team_id, collected_at, changed_at)
WITH lines AS (
    SELECT n, (now() AT TIME ZONE 'UTC')::date - 90 + n % 90 AS day, n / 90 % 51 AS project, n / 90 / 51 % 20 AS item,
        n / 90 / 51 / 20 AS key
    FROM generate_series(0, 999999) n
)
SELECT t.organization_id, gen_random_uuid(), 'openai', 'org-bench', 'costs_v1', l.day::timestamp AT TIME ZONE 'UTC',
    (l.day + 1)::timestamp AT TIME ZONE 'UTC', 'proj_bench_' || to_char(l.project, 'FM00'),
    'model-' || l.item / 3 || ', ' || (ARRAY['input', 'cached input', 'output'])[l.item % 3 + 1],
    'key_' || to_char(l.project, 'FM00') || '_' || l.key, 'USD', l.n * 7919::bigint % 1000003 * 0.00000001,
    l.n % 100000, 'tokens', 'model-' || l.item / 3, p.id, t.id, now(), now()
FROM lines l CROSS JOIN teams t
LEFT JOIN projects p ON p.openai_project_id = 'proj_bench_' || to_char(l.project, 'FM00')
ORDER BY l.day;

-- As the collector computes it.
INSERT INTO billed_daily (organization_id, day, provider, provider_account, api_version, project_id, team_id, currency,
    amount, lines)
SELECT organization_id, (bucket_start AT TIME ZONE 'UTC')::date, provider, provider_account, api_version, project_id,
    team_id, currency, sum(amount), count(*)
FROM billed_costs
GROUP BY organization_id, bucket_start, provider, provider_account, api_version, project_id, team_id, currency;

INSERT INTO collected_days (organization_id, day, provider, provider_account, team_id, settled, collected_at)
SELECT t.organization_id, d.day, 'openai', 'org-bench', t.id, d.day < (now() AT TIME ZONE 'UTC')::date - 6, now()
FROM teams t CROSS JOIN (SELECT DISTINCT day FROM billed_daily) d;

-- The row is there since the team's key was registered.
UPDATE collections SET provider_account = 'org-bench', collected_through = (now() AT TIME ZONE 'UTC')::date - 1,
    last_run_at = now(), last_success_at = now(), days_total = 90, days_done = 90;
