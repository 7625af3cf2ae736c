-- The service connects as a role that owns nothing and cannot bypass row-level security. Its connections start with
-- `role=finops_app`; the migrating user, who owns the tables, only has to be a member of it.
DO $$
BEGIN
    CREATE ROLE finops_app NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    -- Roles belong to the cluster, not to the database: another database of this cluster has made it.
    NULL;
END
$$;

DO $$
BEGIN
    IF NOT pg_has_role(current_user, 'finops_app', 'MEMBER') THEN
        GRANT finops_app TO CURRENT_USER;
    END IF;
END
$$;

GRANT USAGE ON SCHEMA public TO finops_app;

-- The organization of the current transaction, set with `SET LOCAL finops.organization_id`; null outside of one.
CREATE FUNCTION finops_organization() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('finops.organization_id', true), '')::uuid;

-- Whether the current transaction may look across organizations: sign-in, the scheduler, the platform's administrators.
CREATE FUNCTION finops_platform() RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(current_setting('finops.scope', true), '') = 'platform';

-- Puts a table behind row-level security. `platform` tables can also be read in the platform scope; `tenant` tables
-- never leave their organization.
CREATE PROCEDURE finops_protect(target regclass, kind text, privileges text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    IF kind = 'platform' THEN
        EXECUTE format('CREATE POLICY own_organization ON %s USING (organization_id = finops_organization() OR finops_platform())', target);
    ELSE
        EXECUTE format('CREATE POLICY own_organization ON %s USING (organization_id = finops_organization())', target);
    END IF;
    EXECUTE format('GRANT %s ON %s TO finops_app', privileges, target);
END
$$;

CREATE TABLE organizations (
    organization_id uuid PRIMARY KEY,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    time_zone text NOT NULL DEFAULT 'Asia/Seoul',
    currency text NOT NULL DEFAULT 'USD' CHECK (currency ~ '^[A-Z]{3}$'),
    fiscal_year_start_month smallint NOT NULL DEFAULT 1 CHECK (fiscal_year_start_month BETWEEN 1 AND 12),
    retention_days integer NOT NULL DEFAULT 90 CHECK (retention_days BETWEEN 1 AND 3650),
    created_at timestamptz NOT NULL
);
CALL finops_protect('organizations', 'platform', 'SELECT, INSERT, UPDATE');

CREATE TABLE users (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    email text NOT NULL CHECK (length(email) <= 254),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    password_hash text NOT NULL,
    role text NOT NULL CHECK (role IN ('user', 'tenant_admin', 'admin')),
    locale text NOT NULL DEFAULT 'ko' CHECK (locale IN ('ko', 'en')),
    last_login_at timestamptz,
    created_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (organization_id, id)
);
-- One account an address, on the whole platform: people sign in before their organization is known.
CREATE UNIQUE INDEX users_email ON users (lower(email)) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX users_id ON users (id);
CALL finops_protect('users', 'platform', 'SELECT, INSERT, UPDATE');

-- Refresh tokens, rotated at every use. A family is one sign-in; a token used twice ends its family.
CREATE TABLE refresh_tokens (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    family_id uuid NOT NULL,
    token_hash bytea NOT NULL CHECK (length(token_hash) = 32),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, user_id) REFERENCES users
);
CREATE UNIQUE INDEX refresh_tokens_hash ON refresh_tokens (token_hash);
CREATE INDEX refresh_tokens_family ON refresh_tokens (organization_id, family_id);
CREATE INDEX refresh_tokens_user ON refresh_tokens (organization_id, user_id);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);
CALL finops_protect('refresh_tokens', 'platform', 'SELECT, INSERT, UPDATE, DELETE');

CREATE TABLE teams (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    created_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (organization_id, id)
);
CREATE UNIQUE INDEX teams_name ON teams (organization_id, lower(name)) WHERE deleted_at IS NULL;
CALL finops_protect('teams', 'tenant', 'SELECT, INSERT, UPDATE');

CREATE TABLE team_members (
    organization_id uuid NOT NULL,
    team_id uuid NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, team_id, user_id),
    FOREIGN KEY (organization_id, team_id) REFERENCES teams,
    FOREIGN KEY (organization_id, user_id) REFERENCES users
);
CREATE INDEX team_members_user ON team_members (organization_id, user_id);
CALL finops_protect('team_members', 'tenant', 'SELECT, INSERT, DELETE');

CREATE TABLE invitations (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    email text NOT NULL CHECK (length(email) <= 254),
    role text NOT NULL CHECK (role IN ('user', 'tenant_admin', 'admin')),
    team_id uuid,
    token_hash bytea NOT NULL CHECK (length(token_hash) = 32),
    invited_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    accepted_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, team_id) REFERENCES teams,
    FOREIGN KEY (organization_id, invited_by) REFERENCES users
);
CREATE UNIQUE INDEX invitations_token ON invitations (token_hash);
CREATE UNIQUE INDEX invitations_open ON invitations (organization_id, lower(email)) WHERE accepted_at IS NULL AND revoked_at IS NULL;
CALL finops_protect('invitations', 'platform', 'SELECT, INSERT, UPDATE');

CREATE TABLE projects (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    team_id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    description text CHECK (length(description) <= 500),
    environment text NOT NULL CHECK (environment IN ('production', 'staging', 'development', 'ci')),
    openai_project_id text CHECK (openai_project_id ~ '^proj_[a-zA-Z0-9_-]+$'),
    openai_project_id_since timestamptz,
    created_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, team_id) REFERENCES teams,
    CHECK ((openai_project_id IS NULL) = (openai_project_id_since IS NULL)),
    -- A deleted project gives its Project ID free.
    CHECK (deleted_at IS NULL OR openai_project_id IS NULL)
);
CREATE UNIQUE INDEX projects_name ON projects (organization_id, team_id, lower(name)) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX projects_openai_project_id ON projects (organization_id, openai_project_id) WHERE openai_project_id IS NOT NULL;
CALL finops_protect('projects', 'tenant', 'SELECT, INSERT, UPDATE');

CREATE TABLE project_members (
    organization_id uuid NOT NULL,
    project_id uuid NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, project_id, user_id),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects,
    FOREIGN KEY (organization_id, user_id) REFERENCES users
);
CREATE INDEX project_members_user ON project_members (organization_id, user_id);
CALL finops_protect('project_members', 'tenant', 'SELECT, INSERT, DELETE');

-- Every secret of every table, one row each, so that one command can re-encrypt them all. AES-256-GCM under a data key
-- of its own; the data key is wrapped by the vault. Associated data: organization, owner table, owner row, version.
CREATE TABLE secrets (
    organization_id uuid NOT NULL REFERENCES organizations,
    owner_table text NOT NULL,
    owner_id uuid NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    key_id text NOT NULL,
    wrapped_data_key bytea NOT NULL,
    nonce bytea NOT NULL CHECK (length(nonce) = 12),
    ciphertext bytea NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, owner_table, owner_id)
);
CALL finops_protect('secrets', 'tenant', 'SELECT, INSERT, UPDATE, DELETE');

CREATE TABLE admin_keys (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    team_id uuid NOT NULL,
    provider text NOT NULL CHECK (provider IN ('openai')),
    key_type text NOT NULL DEFAULT 'admin' CHECK (key_type = 'admin'),
    key_prefix text NOT NULL,
    last4 text NOT NULL CHECK (length(last4) = 4),
    is_active boolean NOT NULL,
    verification text NOT NULL CHECK (verification IN ('pending', 'verified', 'rejected')),
    verification_reason text,
    -- The provider's organization behind the key: its costs are stored once, however many teams hold a key to it.
    provider_account text,
    last_verified_at timestamptz,
    last_used_at timestamptz,
    created_at timestamptz NOT NULL,
    rotated_at timestamptz,
    deleted_at timestamptz,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, team_id) REFERENCES teams,
    CHECK (deleted_at IS NULL OR NOT is_active)
);
CREATE UNIQUE INDEX admin_keys_one_active ON admin_keys (organization_id, team_id, provider) WHERE is_active;
CREATE INDEX admin_keys_team ON admin_keys (organization_id, team_id);
CALL finops_protect('admin_keys', 'tenant', 'SELECT, INSERT, UPDATE');

-- Rows are added, never changed and never deleted by the service.
CREATE TABLE audit_log (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    actor_type text NOT NULL CHECK (actor_type IN ('user', 'system', 'cli')),
    actor_id uuid,
    actor_name text NOT NULL,
    action text NOT NULL CHECK (action ~ '^[a-z_]+\.[a-z_]+$'),
    target_type text NOT NULL,
    target_id uuid,
    target_name text,
    before jsonb,
    after jsonb,
    request_id text,
    ip text,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX audit_log_target ON audit_log (organization_id, target_id, id DESC);
CALL finops_protect('audit_log', 'tenant', 'SELECT, INSERT');

-- Token buckets for sign-in, shared by all replicas. Keys are hashes: no address is stored.
CREATE TABLE rate_limit_buckets (
    key bytea PRIMARY KEY,
    tokens double precision NOT NULL,
    updated_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON rate_limit_buckets TO finops_app;

-- What a change answered, so that its repetition with the same Idempotency-Key answers the same.
CREATE TABLE idempotency_keys (
    organization_id uuid NOT NULL REFERENCES organizations,
    user_id uuid NOT NULL,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    fingerprint bytea NOT NULL,
    status smallint,
    content_type text,
    body bytea,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, user_id, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
CALL finops_protect('idempotency_keys', 'platform', 'SELECT, INSERT, UPDATE, DELETE');
