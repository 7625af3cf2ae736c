-- Readiness asks which migrations have run. (There is no such table where the schema is brought up by other means.)
DO $$
BEGIN
    IF to_regclass('_sqlx_migrations') IS NOT NULL THEN
        GRANT SELECT ON _sqlx_migrations TO finops_app;
    END IF;
END
$$;

-- Answers may carry a secret that is shown once, so their bodies lie sealed in `secrets`, owned by the key's id.
DELETE FROM idempotency_keys;
ALTER TABLE idempotency_keys
    DROP COLUMN body,
    ADD COLUMN id uuid NOT NULL,
    ADD COLUMN has_body boolean,
    ADD CHECK ((status IS NULL) = (has_body IS NULL));
