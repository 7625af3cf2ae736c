-- Since when a threshold holds: a period that was over by then is not held to it. The ones that are there hold since their budget
-- was made. What crosses organizations is read and written here as the tables' owner.
ALTER TABLE budget_thresholds ADD COLUMN since timestamptz;
ALTER TABLE budget_thresholds NO FORCE ROW LEVEL SECURITY;
ALTER TABLE budgets NO FORCE ROW LEVEL SECURITY;
UPDATE budget_thresholds t SET since = b.created_at
    FROM budgets b WHERE b.organization_id = t.organization_id AND b.id = t.budget_id;
ALTER TABLE budgets FORCE ROW LEVEL SECURITY;
ALTER TABLE budget_thresholds FORCE ROW LEVEL SECURITY;
ALTER TABLE budget_thresholds ALTER COLUMN since SET NOT NULL;

-- When an alert that was over by itself was opened again last.
ALTER TABLE alerts ADD COLUMN reopened_at timestamptz;
