-- pgmq, the message queue that all services read.
-- Why: managed Postgres (Supabase, the pgmq image) has it as an extension; elsewhere `supastate migrate`
-- runs pgmq's own SQL first, and this file finds the schema there.
-- Cost: none on existing data. Undo: DROP EXTENSION pgmq CASCADE, or DROP SCHEMA pgmq CASCADE.
DO $$
BEGIN
    IF to_regnamespace('pgmq') IS NULL THEN
        IF NOT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pgmq') THEN
            RAISE EXCEPTION 'this server has no pgmq extension'
                USING HINT = 'Run `supastate migrate`, which installs pgmq from its SQL, or run pgmq.sql with psql first.';
        END IF;
        CREATE EXTENSION pgmq;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = to_regclass('pgmq.message_record') AND attname = 'last_read_at'
    ) THEN
        RAISE EXCEPTION 'this pgmq is older than 1.13'
            USING HINT = 'Run ALTER EXTENSION pgmq UPDATE, or install a newer one.';
    END IF;
END
$$;
