-- Where messages go. What opens a channel (a URL, a key, a password) is in `secrets`; the settings here are not secret. Deleting
-- hides: past deliveries keep the name.
CREATE TABLE channels (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    type text NOT NULL CHECK (type IN ('email', 'slack', 'webhook', 'sms', 'pagerduty')),
    -- The setting of the service that it comes from: its secret stays there.
    built_in text CHECK (built_in IN ('ADMIN_EMAIL', 'SLACK_WEBHOOK_URL', 'PAGERDUTY_INTEGRATION_KEY')),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    locale text NOT NULL CHECK (locale IN ('ko', 'en')),
    -- Null: the whole organization.
    team_id uuid,
    enabled boolean NOT NULL,
    -- Addresses, numbers, the mail server without its password.
    settings jsonb NOT NULL,
    -- What people tell its secret by.
    masked text,
    -- `host:port` of what the tenant named: attempts at once are counted by it. Null for the service's own vendors.
    host text,
    state text NOT NULL CHECK (state IN ('ok', 'failing', 'disabled')),
    state_since timestamptz,
    state_reason text,
    -- Until then a webhook's former secret signs beside the new one.
    former_secret_until timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, team_id) REFERENCES teams,
    CHECK ((state = 'ok') = (state_since IS NULL) AND (state = 'ok') = (state_reason IS NULL)),
    CHECK (former_secret_until IS NULL OR type = 'webhook')
);
CREATE UNIQUE INDEX channels_one_built_in ON channels (organization_id, built_in)
    WHERE built_in IS NOT NULL AND deleted_at IS NULL;
CALL finops_protect('channels', 'tenant', 'SELECT, INSERT, UPDATE');

-- What was told: one row a message and channel, number or person. Its times are the service's clock's.
CREATE TABLE deliveries (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    channel_type text NOT NULL CHECK (channel_type IN ('email', 'slack', 'webhook', 'sms', 'pagerduty')),
    -- Null: a mail to the person of `recipient`, by the service's own route.
    channel_id uuid,
    recipient text,
    -- What is sent one after the other: a channel, one number of it, or a person.
    lane uuid NOT NULL,
    alert_id uuid,
    -- Messages of one group and lane go out at most once in five minutes.
    group_key text CHECK (length(group_key) BETWEEN 1 AND 200),
    -- Goes out whatever went out before: a test, and what somebody sends again.
    direct boolean NOT NULL,
    kind text NOT NULL CHECK (length(kind) BETWEEN 1 AND 100),
    locale text NOT NULL CHECK (locale IN ('ko', 'en')),
    subject text NOT NULL,
    -- All that an attempt needs to say, rendered.
    message jsonb NOT NULL,
    fallback boolean NOT NULL,
    status text NOT NULL
        CHECK (status IN ('pending', 'sending', 'delivered', 'retrying', 'dead', 'held', 'digested')),
    reason text,
    -- Rows of delivery_attempts.
    attempts integer NOT NULL,
    -- Of the schedule of attempts: how many of it failed. Sending again begins anew.
    failures integer NOT NULL,
    last_attempt_at timestamptz,
    digest_id uuid,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, channel_id) REFERENCES channels,
    FOREIGN KEY (organization_id, alert_id) REFERENCES alerts,
    CHECK (channel_id IS NOT NULL OR (channel_type = 'email' AND recipient IS NOT NULL)),
    CHECK ((status IN ('delivered', 'dead', 'digested')) = (finished_at IS NOT NULL)),
    CHECK ((status = 'digested') = (digest_id IS NOT NULL))
);
CREATE INDEX deliveries_channel ON deliveries (organization_id, channel_id, id) WHERE channel_id IS NOT NULL;
CREATE INDEX deliveries_alert ON deliveries (organization_id, alert_id, id) WHERE alert_id IS NOT NULL;
CREATE INDEX deliveries_status ON deliveries (organization_id, status, id) WHERE status NOT IN ('delivered', 'digested');
CREATE INDEX deliveries_group ON deliveries (organization_id, lane, group_key, last_attempt_at) WHERE last_attempt_at IS NOT NULL;
CREATE INDEX deliveries_lane ON deliveries (organization_id, lane, last_attempt_at) WHERE last_attempt_at IS NOT NULL;
CREATE INDEX deliveries_age ON deliveries (organization_id, created_at);
CALL finops_protect('deliveries', 'tenant', 'SELECT, INSERT, UPDATE, DELETE');

-- Every attempt, and what was said.
CREATE TABLE delivery_attempts (
    organization_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    at timestamptz NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('sending', 'delivered', 'failed', 'interrupted')),
    reason text,
    status integer,
    code text,
    said text,
    provider_id text,
    duration_ms bigint,
    retry_after bigint,
    PRIMARY KEY (organization_id, delivery_id, number),
    FOREIGN KEY (organization_id, delivery_id) REFERENCES deliveries ON DELETE CASCADE
);
CALL finops_protect('delivery_attempts', 'tenant', 'SELECT, INSERT, UPDATE');

-- What is to be sent, and when: a row for as long as a delivery is not finished. The sender looks across organizations for what
-- is due, so nothing of a message is here. Only inserted to by whoever has something to tell: two of them never wait for each other.
CREATE TABLE delivery_queue (
    organization_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    lane uuid NOT NULL,
    host text NOT NULL,
    due_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, delivery_id),
    FOREIGN KEY (organization_id, delivery_id) REFERENCES deliveries ON DELETE CASCADE
);
CREATE INDEX delivery_queue_due ON delivery_queue (due_at);
CREATE INDEX delivery_queue_lane ON delivery_queue (organization_id, lane, delivery_id);
CALL finops_protect('delivery_queue', 'platform', 'SELECT, INSERT, UPDATE, DELETE');

-- Lanes of which one message is going out, under a lease on the database's time, and lanes that rest because the other side asked
-- for it. A lane that does neither has no row.
CREATE TABLE delivery_lanes (
    organization_id uuid NOT NULL REFERENCES organizations,
    lane uuid NOT NULL,
    host text NOT NULL,
    lease_owner uuid,
    lease_until timestamptz,
    resting_until timestamptz,
    PRIMARY KEY (organization_id, lane),
    CHECK ((lease_owner IS NULL) = (lease_until IS NULL))
);
CALL finops_protect('delivery_lanes', 'platform', 'SELECT, INSERT, UPDATE, DELETE');
