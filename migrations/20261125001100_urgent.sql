-- What waits for its group alone, however much its lane has told: somebody has to act now, or something was stopped or let go.
ALTER TABLE deliveries ADD COLUMN urgent boolean NOT NULL
    GENERATED ALWAYS AS (kind LIKE 'block.%' OR coalesce(message ->> 'severity' = 'critical', false)) STORED;
