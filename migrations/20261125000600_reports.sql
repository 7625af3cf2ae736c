-- What came of calls, and the weekly report.

-- What a word for an outcome means. What is neither is recorded, and counts as neither. `contract/src/value.rs` names the
-- words for callers.
CREATE FUNCTION finops_outcome(outcome text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE
        WHEN lower(outcome) IN ('success', 'succeeded', 'ok', 'done', 'completed', 'resolved', 'solved', 'passed', 'accepted',
            '성공', '완료', '해결') THEN 'success'
        WHEN lower(outcome) IN ('failure', 'failed', 'error', 'unresolved', 'rejected', 'abandoned', 'escalated', 'timeout',
            'cancelled', '실패', '미해결') THEN 'failure'
        ELSE 'other' END;

-- What events and outcomes add to one row of `usage_outcome_hourly`, and what they take away again.
CREATE TYPE usage_outcome_delta AS (
    hour timestamptz,
    project_id uuid,
    team_id uuid,
    task_type text,
    provider text,
    model text,
    -- Null for scores alone.
    outcome text,
    outcomes bigint,
    scores bigint,
    score numeric
);
-- Empty for events that say nothing of an outcome, which are most.
ALTER TABLE usage_deltas ADD COLUMN outcomes usage_outcome_delta[] NOT NULL DEFAULT '{}';
ALTER TABLE usage_deltas ALTER COLUMN outcomes SET STORAGE EXTERNAL;

-- Outcomes and feedback scores by the hour of their call; of those that name no call, by the hour in which they were known,
-- without a provider and a model. By project first: a project's value is asked for, and all projects' once a week.
CREATE TABLE usage_outcome_hourly (
    organization_id uuid NOT NULL,
    project_id uuid,
    hour timestamptz NOT NULL CHECK (hour = date_trunc('hour', hour, 'UTC')),
    team_id uuid,
    task_type text,
    provider text,
    model text,
    successes bigint NOT NULL,
    failures bigint NOT NULL,
    others bigint NOT NULL,
    scores bigint NOT NULL,
    score numeric NOT NULL
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX usage_outcome_hourly_key ON usage_outcome_hourly
    (organization_id, project_id, hour, team_id, task_type, provider, model) NULLS NOT DISTINCT;

-- What events said until now. The owner is bound by row-level security like everybody, but for this moment.
ALTER TABLE usage_events NO FORCE ROW LEVEL SECURITY;
INSERT INTO usage_outcome_hourly
SELECT organization_id, project_id, date_trunc('hour', occurred_at, 'UTC'), team_id, task_type, provider, model,
    count(*) FILTER (WHERE finops_outcome(outcome) = 'success'), count(*) FILTER (WHERE finops_outcome(outcome) = 'failure'),
    count(*) FILTER (WHERE finops_outcome(outcome) = 'other'), count(feedback_score), coalesce(sum(feedback_score), 0)
FROM usage_events WHERE outcome IS NOT NULL OR feedback_score IS NOT NULL
GROUP BY 1, 2, 3, 4, 5, 6, 7;
ALTER TABLE usage_events FORCE ROW LEVEL SECURITY;
CALL finops_protect_hot('usage_outcome_hourly', 'SELECT, INSERT, UPDATE, DELETE');

-- The sums of `usage_outcome_hourly`, and what is not folded into them yet. More than one row may have the same key.
CREATE VIEW usage_outcome_sums WITH (security_invoker = true) AS
    SELECT organization_id, project_id, hour, team_id, task_type, provider, model, successes, failures, others, scores, score
    FROM usage_outcome_hourly
    UNION ALL
    SELECT p.organization_id, d.project_id, d.hour, d.team_id, d.task_type, d.provider, d.model,
        CASE WHEN finops_outcome(d.outcome) = 'success' THEN d.outcomes ELSE 0 END,
        CASE WHEN finops_outcome(d.outcome) = 'failure' THEN d.outcomes ELSE 0 END,
        CASE WHEN finops_outcome(d.outcome) = 'other' THEN d.outcomes ELSE 0 END,
        d.scores, d.score
    FROM usage_deltas p CROSS JOIN LATERAL unnest(p.outcomes) AS d;
GRANT SELECT ON usage_outcome_sums TO finops_app;

-- Outcomes that were told by themselves, as they were told.
CREATE TABLE usage_outcomes (
    organization_id uuid NOT NULL REFERENCES organizations,
    -- The hash of the caller's id, or one of ours.
    outcome_key uuid NOT NULL,
    body_hash bigint NOT NULL,
    project_id uuid NOT NULL,
    team_id uuid NOT NULL,
    event_key uuid,
    -- When the call was that it names, once that was reported: `usage_event_outcomes` counts it from then on. Until then,
    -- and where it names none, it counts by itself.
    event_at timestamptz,
    -- When its call is looked for again; null where it names none, has it, or was not reported for too long.
    look_at timestamptz,
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    -- How many ended so.
    outcomes bigint NOT NULL CHECK (outcomes > 0),
    outcome text CHECK (length(outcome) BETWEEN 1 AND 256),
    score numeric CHECK (score <> 'NaN'),
    task_type text CHECK (length(task_type) BETWEEN 1 AND 256),
    intent text CHECK (length(intent) BETWEEN 1 AND 256),
    PRIMARY KEY (organization_id, outcome_key),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects,
    CHECK (outcome IS NOT NULL OR score IS NOT NULL),
    CHECK (event_key IS NULL OR outcomes = 1),
    CHECK (event_at IS NULL OR event_key IS NOT NULL),
    CHECK (look_at IS NULL OR event_key IS NOT NULL AND event_at IS NULL)
);
CREATE INDEX usage_outcomes_waiting ON usage_outcomes (look_at, organization_id) WHERE look_at IS NOT NULL;
CREATE INDEX usage_outcomes_time ON usage_outcomes (organization_id, occurred_at);
CALL finops_protect('usage_outcomes', 'tenant', 'SELECT, INSERT, UPDATE, DELETE');

-- Who has outcomes whose calls are to be looked for. Only that: what they are stays the organization's. The owner is bound by
-- row-level security like everybody, so it has a policy of its own, which nobody else can use.
CREATE POLICY owner_looks ON usage_outcomes FOR SELECT TO CURRENT_USER USING (true);
CREATE FUNCTION finops_waiting_outcomes(at timestamptz) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    BEGIN ATOMIC
        SELECT DISTINCT organization_id FROM usage_outcomes WHERE look_at <= at;
    END;
REVOKE ALL ON FUNCTION finops_waiting_outcomes(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION finops_waiting_outcomes(timestamptz) TO finops_app;

-- Calls of which something was told later, with what counts of each now: what the event said, where nothing was told that is
-- later.
CREATE TABLE usage_event_outcomes (
    organization_id uuid NOT NULL,
    event_key uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    project_id uuid NOT NULL,
    team_id uuid,
    task_type text,
    provider text NOT NULL,
    model text NOT NULL,
    outcome text,
    outcome_at timestamptz NOT NULL,
    score numeric,
    score_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, event_key)
);
CREATE INDEX usage_event_outcomes_time ON usage_event_outcomes (organization_id, occurred_at);
CALL finops_protect('usage_event_outcomes', 'tenant', 'SELECT, INSERT, UPDATE, DELETE');

-- What has to be added to an organization's sums of outcomes of a UTC day to make them what events said and what was told
-- later: nothing, if all is well, and nothing for a day of which events were deleted.
CREATE FUNCTION finops_usage_outcome_drift(organization uuid, day date) RETURNS SETOF usage_outcome_hourly
    LANGUAGE sql STABLE AS $$
    WITH said AS (
        SELECT e.project_id, e.occurred_at, e.team_id, e.task_type, e.provider, e.model, e.outcome, 1::bigint AS outcomes,
            e.feedback_score AS score
        FROM usage_events e
        WHERE e.organization_id = organization AND (e.outcome IS NOT NULL OR e.feedback_score IS NOT NULL)
            AND e.occurred_at >= day::timestamp AT TIME ZONE 'UTC' AND e.occurred_at < (day + 1)::timestamp AT TIME ZONE 'UTC'
            AND NOT EXISTS (SELECT FROM usage_event_outcomes o
                WHERE o.organization_id = organization AND o.event_key = e.event_key AND o.occurred_at = e.occurred_at)
        UNION ALL
        SELECT o.project_id, o.occurred_at, o.team_id, o.task_type, o.provider, o.model, o.outcome, 1, o.score
        FROM usage_event_outcomes o
        WHERE o.organization_id = organization
            AND o.occurred_at >= day::timestamp AT TIME ZONE 'UTC' AND o.occurred_at < (day + 1)::timestamp AT TIME ZONE 'UTC'
        UNION ALL
        SELECT t.project_id, t.occurred_at, t.team_id, t.task_type, NULL, NULL, t.outcome, t.outcomes, t.score
        FROM usage_outcomes t
        WHERE t.organization_id = organization AND t.event_at IS NULL
            AND t.occurred_at >= day::timestamp AT TIME ZONE 'UTC' AND t.occurred_at < (day + 1)::timestamp AT TIME ZONE 'UTC'
    ), differences AS (
        SELECT project_id, date_trunc('hour', occurred_at, 'UTC') AS hour, team_id, task_type, provider, model,
            sum(outcomes) FILTER (WHERE finops_outcome(outcome) = 'success') AS successes,
            sum(outcomes) FILTER (WHERE finops_outcome(outcome) = 'failure') AS failures,
            sum(outcomes) FILTER (WHERE finops_outcome(outcome) = 'other') AS others,
            sum(outcomes) FILTER (WHERE score IS NOT NULL) AS scores, sum(score * outcomes) AS score
        FROM said GROUP BY 1, 2, 3, 4, 5, 6
        UNION ALL
        SELECT project_id, hour, team_id, task_type, provider, model, -successes, -failures, -others, -scores, -score
        FROM usage_outcome_sums
        WHERE organization_id = organization
            AND hour >= day::timestamp AT TIME ZONE 'UTC' AND hour < (day + 1)::timestamp AT TIME ZONE 'UTC'
    ), drift AS (
        SELECT project_id, hour, team_id, task_type, provider, model, coalesce(sum(successes), 0) AS successes,
            coalesce(sum(failures), 0) AS failures, coalesce(sum(others), 0) AS others, coalesce(sum(scores), 0) AS scores,
            coalesce(sum(score), 0) AS score
        FROM differences GROUP BY 1, 2, 3, 4, 5, 6
    )
    SELECT organization, project_id, hour, team_id, task_type, provider, model,
        successes::bigint, failures::bigint, others::bigint, scores::bigint, score
    FROM drift
    WHERE (successes, failures, others, scores, score) <> (0, 0, 0, 0, 0)
        AND NOT EXISTS (SELECT FROM usage_kept k WHERE k.organization_id = organization AND k.since > day)
$$;

-- Who gets the weekly report, where the organization says so itself: `[{"email", "locale"}]`.
CREATE TABLE weekly_report_recipients (
    organization_id uuid PRIMARY KEY REFERENCES organizations,
    recipients jsonb NOT NULL CHECK (jsonb_typeof(recipients) = 'array'),
    set_at timestamptz NOT NULL
);
CALL finops_protect('weekly_report_recipients', 'tenant', 'SELECT, INSERT, UPDATE, DELETE');

-- Reports that were sent, as they were. A week is known by its Monday, so one is sent once, whoever is at it.
CREATE TABLE weekly_reports (
    organization_id uuid NOT NULL REFERENCES organizations,
    week date NOT NULL CHECK (extract(isodow FROM week) = 1),
    id uuid NOT NULL,
    -- `WeeklyReport` of the contract.
    report jsonb NOT NULL,
    sent_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, week)
);
CALL finops_protect('weekly_reports', 'tenant', 'SELECT, INSERT');

-- To whom, and what they did with it. Whoever opens one shows its token and nothing else, so the platform looks for it.
CREATE TABLE weekly_report_sends (
    organization_id uuid NOT NULL,
    week date NOT NULL,
    email text NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    locale text NOT NULL CHECK (locale IN ('ko', 'en')),
    token_hash bytea NOT NULL CHECK (length(token_hash) = 32),
    opened_at timestamptz,
    clicked_at timestamptz,
    PRIMARY KEY (organization_id, week, email),
    FOREIGN KEY (organization_id, week) REFERENCES weekly_reports
);
CREATE UNIQUE INDEX weekly_report_sends_token ON weekly_report_sends (token_hash);
CALL finops_protect('weekly_report_sends', 'platform', 'SELECT, INSERT, UPDATE');
