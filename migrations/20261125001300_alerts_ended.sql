-- Why an alert is over by itself; null where a person resolved it, and for what ended before this was written down.
ALTER TABLE alerts ADD COLUMN resolved_because text CHECK (resolved_because IN
    ('period_over', 'period_changed', 'amount_changed', 'below_threshold', 'budget_deleted'));
ALTER TABLE alerts ADD CHECK (resolved_because IS NULL OR (status = 'resolved' AND resolved_by IS NULL));
