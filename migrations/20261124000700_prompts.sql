-- What people asked models and were answered, of projects that opted in: encrypted, for a month at most.
ALTER TABLE projects ADD COLUMN store_prompts boolean NOT NULL DEFAULT false;

-- The keys that prompts are encrypted with: one an organization and UTC day, itself a secret of the row (`secrets`). Its
-- end is the end of everything that it encrypted.
CREATE TABLE prompt_keys (
    organization_id uuid NOT NULL REFERENCES organizations,
    day date NOT NULL,
    id uuid NOT NULL,
    PRIMARY KEY (organization_id, day)
);
CALL finops_protect('prompt_keys', 'tenant', 'SELECT, INSERT, DELETE');

-- The text of an event, stored with it. No foreign key to projects: whoever holds a project for a while would hold up
-- everybody's events.
CREATE TABLE usage_prompts (
    organization_id uuid NOT NULL,
    event_key uuid NOT NULL,
    project_id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    -- The day of the key.
    day date NOT NULL,
    nonce bytea NOT NULL CHECK (length(nonce) = 12),
    ciphertext bytea NOT NULL,
    PRIMARY KEY (organization_id, event_key),
    FOREIGN KEY (organization_id, day) REFERENCES prompt_keys
);
CREATE INDEX usage_prompts_received ON usage_prompts (organization_id, received_at);
CREATE INDEX usage_prompts_key ON usage_prompts (organization_id, day);
CALL finops_protect('usage_prompts', 'tenant', 'SELECT, INSERT, DELETE');
