-- Set where the period that runs was looked at, and those before it are to be from then on: whoever puts that off says so here,
-- so that no replica that dies takes it along.
ALTER TABLE budget_checks ADD COLUMN past_from timestamptz;
