-- Files of usage events, of any size. What is uploaded lies here in slices until a job has taken it.
CREATE TABLE usage_imports (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    name text CHECK (length(name) BETWEEN 1 AND 200),
    format text NOT NULL CHECK (format IN ('ndjson', 'csv')),
    state text NOT NULL CHECK (state IN ('uploading', 'queued', 'running', 'done', 'failed', 'cancelled')),
    -- The account or API key that sends it, and what follows from that for every event: what they saw when they began.
    created_by uuid NOT NULL,
    api_key_id uuid,
    project_id uuid,
    environment text CHECK (environment IN ('production', 'staging', 'development', 'ci')),
    -- Both null: everything.
    sees_teams uuid[],
    sees_projects uuid[],
    -- Where the upload is: whole lines that are here, in unpacked bytes; the number of the next line; a chain of hashes
    -- over all lines so far, which gives lines without an id theirs; a CSV file's columns.
    received_bytes bigint NOT NULL DEFAULT 0,
    next_line bigint NOT NULL DEFAULT 1,
    slices integer NOT NULL DEFAULT 0,
    digest bytea NOT NULL CHECK (length(digest) = 32),
    columns text[],
    -- Lines that are events or should be, and what became of them so far.
    lines bigint NOT NULL DEFAULT 0,
    accepted bigint NOT NULL DEFAULT 0,
    duplicates bigint NOT NULL DEFAULT 0,
    rejected bigint NOT NULL DEFAULT 0,
    error text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    uploaded_at timestamptz,
    finished_at timestamptz,
    PRIMARY KEY (organization_id, id)
);
CALL finops_protect('usage_imports', 'tenant', 'SELECT, INSERT, UPDATE');

-- About a thousand lines or a mebibyte each, deleted once its events are stored.
CREATE TABLE usage_import_slices (
    organization_id uuid NOT NULL,
    import_id uuid NOT NULL,
    number integer NOT NULL,
    -- The chain of hashes before its first line.
    digest bytea NOT NULL CHECK (length(digest) = 32),
    line_numbers bigint[] NOT NULL,
    texts text[] NOT NULL CHECK (cardinality(texts) = cardinality(line_numbers)),
    -- When a job began to store its events: who finds this has to ask what was stored since.
    started_at timestamptz,
    PRIMARY KEY (organization_id, import_id, number),
    FOREIGN KEY (organization_id, import_id) REFERENCES usage_imports
);
CALL finops_protect('usage_import_slices', 'tenant', 'SELECT, INSERT, UPDATE, DELETE');

-- The first lines that could not be taken; all are counted.
CREATE TABLE usage_import_rejects (
    organization_id uuid NOT NULL,
    import_id uuid NOT NULL,
    line bigint NOT NULL,
    code text NOT NULL,
    pointer text NOT NULL,
    message text NOT NULL,
    PRIMARY KEY (organization_id, import_id, line),
    FOREIGN KEY (organization_id, import_id) REFERENCES usage_imports
);
CALL finops_protect('usage_import_rejects', 'tenant', 'SELECT, INSERT');
