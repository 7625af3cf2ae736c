-- A range of one text is equal to it, and GiST knows ranges: periods of one key can be kept from overlapping without an
-- extension.
CREATE TYPE finops_key AS RANGE (subtype = text, collation = "C");

-- Public prices belong to no organization: everybody may read them, and only the platform's scope may change them.
CREATE PROCEDURE finops_publish(target regclass, privileges text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    EXECUTE format('CREATE POLICY everybody_reads ON %s FOR SELECT USING (true)', target);
    EXECUTE format('CREATE POLICY the_platform_writes ON %s USING (finops_platform())', target);
    EXECUTE format('GRANT SELECT, %s ON %s TO finops_app', privileges, target);
END
$$;

-- Every time that the public prices changed, and every source that was found to say nothing new.
CREATE TABLE price_versions (
    id uuid PRIMARY KEY,
    -- Counts up, one writer at a time: whoever has read this number has the prices.
    number bigint NOT NULL UNIQUE CHECK (number > 0),
    kind text NOT NULL CHECK (kind IN ('shipped', 'import', 'update', 'confirmation')),
    source text NOT NULL CHECK (length(source) BETWEEN 1 AND 500),
    licence text CHECK (length(licence) <= 200),
    -- Of the whole source, so that the same is not read twice.
    checksum bytea CHECK (length(checksum) = 32),
    effective_from timestamptz NOT NULL,
    checked_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL CHECK (length(created_by) <= 254),
    entries_new integer NOT NULL,
    entries_changed integer NOT NULL,
    entries_ended integer NOT NULL,
    entries_unchanged integer NOT NULL,
    entries_suspicious integer NOT NULL,
    entries_skipped integer NOT NULL
);
CALL finops_publish('price_versions', 'INSERT, UPDATE');

-- What a model costs at a provider for some time, everywhere or in one region. Its prices never change: others are
-- another entry. Events name the entry that they were priced with.
CREATE TABLE price_entries (
    id uuid PRIMARY KEY,
    version_id uuid NOT NULL REFERENCES price_versions,
    provider text NOT NULL CHECK (provider ~ '^[a-z0-9_.-]{1,64}$'),
    model text NOT NULL CHECK (length(model) BETWEEN 1 AND 200 AND model !~ '[[:cntrl:]]'),
    region text CHECK (region ~ '^[a-z0-9-]{1,40}$'),
    effective_from timestamptz NOT NULL,
    effective_to timestamptz,
    -- The page on which the provider says so, and which list was last found to agree, when.
    source_url text CHECK (length(source_url) <= 500),
    confirmed_by text NOT NULL,
    checked_at timestamptz NOT NULL,
    CHECK (effective_to > effective_from),
    CONSTRAINT price_entries_one_at_a_time EXCLUDE USING gist (
        finops_key(provider || E'\x1f' || model || E'\x1f' || coalesce(region, ''),
            provider || E'\x1f' || model || E'\x1f' || coalesce(region, ''), '[]') WITH &&,
        tstzrange(effective_from, effective_to) WITH &&
    )
);
CREATE INDEX price_entries_list ON price_entries (provider, model, id);
CALL finops_publish('price_entries', 'INSERT, UPDATE');

-- USD a unit. A step holds for calls with more input tokens than `above_tokens`.
CREATE TABLE prices (
    entry_id uuid NOT NULL REFERENCES price_entries,
    tier text NOT NULL CHECK (tier IN ('standard', 'batch', 'flex', 'priority')),
    above_tokens bigint NOT NULL CHECK (above_tokens BETWEEN 0 AND 4294967295),
    kind text NOT NULL CHECK (kind IN ('input', 'cached_input', 'cache_write_5m', 'cache_write_1h', 'output', 'reasoning',
        'audio_input', 'audio_output', 'image', 'character', 'second', 'request', 'search')),
    unit_price numeric NOT NULL CHECK (unit_price >= 0 AND unit_price < 1000000 AND scale(unit_price) <= 18),
    PRIMARY KEY (entry_id, tier, above_tokens, kind)
);
CALL finops_publish('prices', 'INSERT');

-- What tokens cost in a region, as a multiple of the entry's prices.
CREATE TABLE price_factors (
    entry_id uuid NOT NULL REFERENCES price_entries,
    region text NOT NULL CHECK (region ~ '^[a-z0-9-]{1,40}$'),
    factor numeric NOT NULL CHECK (factor > 0 AND factor <= 10 AND scale(factor) <= 4),
    PRIMARY KEY (entry_id, region)
);
CALL finops_publish('price_factors', 'INSERT');

-- What a source says that is too different to be believed at once: it waits for an administrator of the platform.
CREATE TABLE price_changes (
    id uuid PRIMARY KEY,
    version_id uuid NOT NULL REFERENCES price_versions,
    provider text NOT NULL,
    model text NOT NULL,
    region text,
    entry_id uuid NOT NULL REFERENCES price_entries,
    source text NOT NULL,
    reasons text[] NOT NULL CHECK (cardinality(reasons) > 0),
    -- The prices that it would have, `{prices, factors, source}` with decimals as text; null for none any more.
    proposed jsonb,
    state text NOT NULL CHECK (state IN ('pending', 'confirmed', 'dismissed', 'withdrawn')),
    created_at timestamptz NOT NULL,
    decided_at timestamptz,
    CHECK ((state = 'pending') = (decided_at IS NULL))
);
CREATE UNIQUE INDEX price_changes_one_pending ON price_changes (provider, model, region) NULLS NOT DISTINCT
    WHERE state = 'pending';
CREATE INDEX price_changes_state ON price_changes (state, id);
CALL finops_publish('price_changes', 'INSERT, UPDATE');

-- What an organization negotiated, or what it calls a model of the book. Ended, never deleted: what it meant for past
-- events stays known.
CREATE TABLE price_overrides (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    provider text NOT NULL CHECK (provider ~ '^[a-z0-9_.-]{1,64}$'),
    model text CHECK (length(model) BETWEEN 1 AND 200 AND model !~ '[[:cntrl:]]'),
    kind text CHECK (kind IN ('input', 'cached_input', 'cache_write_5m', 'cache_write_1h', 'output', 'reasoning',
        'audio_input', 'audio_output', 'image', 'character', 'second', 'request', 'search')),
    tier text CHECK (tier IN ('standard', 'batch', 'flex', 'priority')),
    unit_price numeric CHECK (unit_price >= 0 AND unit_price < 1000000 AND scale(unit_price) <= 18),
    discount_percent numeric CHECK (discount_percent > 0 AND discount_percent <= 100 AND scale(discount_percent) <= 4),
    same_as text CHECK (length(same_as) BETWEEN 1 AND 200 AND same_as !~ '[[:cntrl:]]'),
    note text CHECK (length(note) <= 500),
    effective_from timestamptz NOT NULL,
    effective_to timestamptz,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    PRIMARY KEY (organization_id, id),
    CHECK (num_nonnulls(unit_price, discount_percent, same_as) = 1),
    CHECK ((unit_price IS NULL) = (kind IS NULL) AND (unit_price IS NULL) = (tier IS NULL)),
    CHECK (model IS NOT NULL OR discount_percent IS NOT NULL),
    -- One that was ended before it began never held.
    CHECK (effective_to >= effective_from),
    CONSTRAINT price_overrides_one_at_a_time EXCLUDE USING gist (
        finops_key(
            organization_id::text || E'\x1f' || provider || E'\x1f' || coalesce(model, '') || E'\x1f' || coalesce(kind, '')
                || E'\x1f' || coalesce(tier, '') || E'\x1f' || (same_as IS NULL)::text,
            organization_id::text || E'\x1f' || provider || E'\x1f' || coalesce(model, '') || E'\x1f' || coalesce(kind, '')
                || E'\x1f' || coalesce(tier, '') || E'\x1f' || (same_as IS NULL)::text, '[]') WITH &&,
        tstzrange(effective_from, effective_to) WITH &&
    )
);
CALL finops_protect('price_overrides', 'tenant', 'SELECT, INSERT, UPDATE');

-- Counts every change of an organization's own prices, so that replicas notice with one look.
CREATE TABLE price_override_revisions (
    organization_id uuid PRIMARY KEY REFERENCES organizations,
    revision bigint NOT NULL
);
CALL finops_protect('price_override_revisions', 'tenant', 'SELECT, INSERT, UPDATE');
