-- How much of what events add to the sums is not folded into them yet, and for how long: what `/metrics` shows.
ALTER TABLE usage_deltas ADD COLUMN stored_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX usage_deltas_stored_at ON usage_deltas (stored_at);

-- Of all organizations together, the rows that wait, of which no more than `most` are looked at, and the age of the oldest.
-- Owned by who owns the table, like `finops_unfolded_organizations`: what waits stays the organization's.
CREATE FUNCTION finops_unfolded(most integer, OUT waiting bigint, OUT oldest_seconds double precision)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    BEGIN ATOMIC
        SELECT count(*), coalesce(greatest(extract(epoch FROM now() - min(stored_at)), 0), 0)::double precision
        FROM (SELECT stored_at FROM usage_deltas ORDER BY stored_at LIMIT most) AS oldest;
    END;
REVOKE ALL ON FUNCTION finops_unfolded(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION finops_unfolded(integer) TO finops_app;
