-- A program may change things too.
ALTER TABLE audit_log DROP CONSTRAINT audit_log_actor_type_check;
ALTER TABLE audit_log ADD CONSTRAINT audit_log_actor_type_check
    CHECK (actor_type IN ('user', 'system', 'cli', 'api_key'));

-- Keys of our own API. A revoked one stays for its name.
CREATE TABLE api_keys (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    scopes text[] NOT NULL CHECK (cardinality(scopes) BETWEEN 1 AND 3 AND scopes <@ ARRAY['ingest', 'read', 'guard']),
    project_id uuid,
    environment text CHECK (environment IN ('production', 'staging', 'development', 'ci')),
    quota_per_minute integer CHECK (quota_per_minute > 0),
    -- Not a foreign key: whoever runs the platform may make keys in organizations that are not theirs.
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    rotated_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects
);
CREATE INDEX api_keys_maker ON api_keys (organization_id, created_by, id DESC) WHERE revoked_at IS NULL;
CALL finops_protect('api_keys', 'tenant', 'SELECT, INSERT, UPDATE');

-- What opens them: hashes only. A rotated key has two for a while. Read in the platform scope, because a key is presented
-- before its organization is known.
CREATE TABLE api_key_secrets (
    organization_id uuid NOT NULL,
    key_hash bytea NOT NULL CHECK (length(key_hash) = 32),
    api_key_id uuid NOT NULL,
    last4 text NOT NULL CHECK (length(last4) = 4),
    created_at timestamptz NOT NULL,
    -- When the one that replaced it is the only one; null for the newest.
    valid_until timestamptz,
    PRIMARY KEY (organization_id, key_hash),
    FOREIGN KEY (organization_id, api_key_id) REFERENCES api_keys
);
CREATE UNIQUE INDEX api_key_secrets_hash ON api_key_secrets (key_hash);
CREATE UNIQUE INDEX api_key_secrets_newest ON api_key_secrets (organization_id, api_key_id) WHERE valid_until IS NULL;
CREATE INDEX api_key_secrets_key ON api_key_secrets (organization_id, api_key_id);
CALL finops_protect('api_key_secrets', 'platform', 'SELECT, INSERT, UPDATE, DELETE');

-- Keys that are no wider than their maker is now: bound to a project, a key works while the project exists and its maker
-- sees it; bound to none, while its maker sees everything. Whose maker belongs to another organization works while they
-- run the platform. Their account is seen in the platform scope only.
CREATE VIEW api_keys_in_force WITH (security_invoker = true) AS
SELECT k.organization_id, k.id
FROM api_keys k
JOIN users u ON u.id = k.created_by AND u.deleted_at IS NULL
    AND (u.organization_id = k.organization_id OR u.role = 'admin')
LEFT JOIN projects p ON p.organization_id = k.organization_id AND p.id = k.project_id
WHERE k.revoked_at IS NULL AND CASE
    WHEN k.project_id IS NULL THEN u.role <> 'user'
    ELSE p.deleted_at IS NULL AND (u.role <> 'user'
        OR EXISTS (SELECT FROM team_members m
            WHERE m.organization_id = k.organization_id AND m.team_id = p.team_id AND m.user_id = u.id)
        OR EXISTS (SELECT FROM project_members m
            WHERE m.organization_id = k.organization_id AND m.project_id = p.id AND m.user_id = u.id))
END;
GRANT SELECT ON api_keys_in_force TO finops_app;

-- People's own keys at providers, one a service. What they open lies sealed in `secrets`.
CREATE TABLE provider_keys (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    service text NOT NULL CHECK (service IN ('openai', 'anthropic', 'google_ai', 'aws_bedrock')),
    key_prefix text NOT NULL,
    last4 text NOT NULL CHECK (length(last4) = 4),
    created_at timestamptz NOT NULL,
    replaced_at timestamptz,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, user_id) REFERENCES users
);
CREATE UNIQUE INDEX provider_keys_one_a_service ON provider_keys (organization_id, user_id, service);
CALL finops_protect('provider_keys', 'tenant', 'SELECT, INSERT, UPDATE, DELETE');
