-- What one US dollar is in another currency, from a day on until the next. Budgets keep the rate that they were set with,
-- so a rate that is mended changes no amount.
CREATE TABLE fx_rates (
    organization_id uuid NOT NULL REFERENCES organizations,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$' AND currency <> 'USD'),
    day date NOT NULL,
    rate numeric NOT NULL CHECK (rate > 0 AND rate < 1000000000 AND scale(rate) <= 10),
    source text NOT NULL CHECK (length(source) BETWEEN 1 AND 200),
    set_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, currency, day)
);
CALL finops_protect('fx_rates', 'tenant', 'SELECT, INSERT, UPDATE');

-- Budgets, and projects' cost thresholds (`limit`). The amount is in the revisions.
CREATE TABLE budgets (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('budget', 'limit')),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    scope_type text NOT NULL CHECK (scope_type IN ('organization', 'team', 'project', 'service', 'learner', 'environment')),
    team_id uuid,
    project_id uuid,
    -- The service's, learner's or environment's name.
    scope_name text CHECK (length(scope_name) BETWEEN 1 AND 256),
    enforcement text NOT NULL CHECK (enforcement IN ('soft', 'hard')),
    -- A cost threshold's period, which stays: a project has one a period.
    limit_period text CHECK (limit_period IN ('daily', 'weekly')),
    -- The one that holds now.
    revision integer NOT NULL CHECK (revision > 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, team_id) REFERENCES teams,
    FOREIGN KEY (organization_id, project_id) REFERENCES projects,
    CHECK ((team_id IS NOT NULL) = (scope_type = 'team')),
    CHECK ((project_id IS NOT NULL) = (scope_type = 'project')),
    CHECK ((scope_name IS NOT NULL) = (scope_type IN ('service', 'learner', 'environment'))),
    CHECK (scope_type <> 'environment' OR scope_name IN ('production', 'staging', 'development', 'ci')),
    CHECK ((limit_period IS NOT NULL) = (kind = 'limit')),
    CHECK (kind = 'budget' OR scope_type = 'project')
);
CREATE UNIQUE INDEX budgets_one_limit ON budgets (organization_id, project_id, limit_period)
    WHERE kind = 'limit' AND deleted_at IS NULL;
CALL finops_protect('budgets', 'tenant', 'SELECT, INSERT, UPDATE');

-- What a budget's amount was, since when. Never changed: another amount, currency, rate or period is another revision, of
-- which every threshold may be crossed anew.
CREATE TABLE budget_revisions (
    organization_id uuid NOT NULL,
    budget_id uuid NOT NULL,
    revision integer NOT NULL CHECK (revision > 0),
    period text NOT NULL CHECK (period IN ('daily', 'weekly', 'monthly', 'quarterly', 'yearly')),
    amount numeric NOT NULL CHECK (amount > 0 AND amount < 1000000000000 AND scale(amount) <= 6),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    -- The exchange rate that held when the amount was set.
    fx_rate numeric CHECK (fx_rate > 0 AND fx_rate < 1000000000 AND scale(fx_rate) <= 10),
    fx_day date,
    fx_source text,
    since timestamptz NOT NULL,
    PRIMARY KEY (organization_id, budget_id, revision),
    FOREIGN KEY (organization_id, budget_id) REFERENCES budgets,
    CHECK ((fx_rate IS NULL) = (currency = 'USD')),
    CHECK ((fx_rate IS NULL) = (fx_day IS NULL) AND (fx_rate IS NULL) = (fx_source IS NULL))
);
CALL finops_protect('budget_revisions', 'tenant', 'SELECT, INSERT');

-- The thresholds that a budget has now.
CREATE TABLE budget_thresholds (
    organization_id uuid NOT NULL,
    budget_id uuid NOT NULL,
    threshold numeric NOT NULL CHECK (threshold > 0 AND threshold <= 1000 AND scale(threshold) <= 2),
    basis text NOT NULL CHECK (basis IN ('actual', 'forecast')),
    action text NOT NULL CHECK (action IN ('email', 'slack', 'webhook', 'sms', 'pagerduty', 'both', 'block')),
    PRIMARY KEY (organization_id, budget_id, threshold, basis),
    FOREIGN KEY (organization_id, budget_id) REFERENCES budgets
);
CALL finops_protect('budget_thresholds', 'tenant', 'SELECT, INSERT, DELETE');

-- One row a threshold that was crossed: its key is what makes an alert the only one, however many replicas notice. A period
-- is known by its first day, so that another time zone does not make it another period.
CREATE TABLE budget_crossings (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    budget_id uuid NOT NULL,
    revision integer NOT NULL,
    period_start date NOT NULL,
    period_end date NOT NULL,
    threshold numeric NOT NULL,
    basis text NOT NULL CHECK (basis IN ('actual', 'forecast')),
    action text NOT NULL,
    -- As things stood when it was noticed, in the budget's currency: the amount, and what was spent or is forecast.
    amount numeric NOT NULL,
    figure numeric NOT NULL,
    currency text NOT NULL,
    -- Crossed before the amount was raised, and still: nobody is told again.
    carried boolean NOT NULL,
    crossed_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, budget_id, revision) REFERENCES budget_revisions,
    CHECK (period_start < period_end)
);
CREATE UNIQUE INDEX budget_crossings_once ON budget_crossings
    (organization_id, budget_id, revision, period_start, threshold, basis);
CALL finops_protect('budget_crossings', 'tenant', 'SELECT, INSERT');
