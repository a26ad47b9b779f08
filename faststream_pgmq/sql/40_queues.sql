-- Hangs the doorbell on a queue and tunes the table for rows that live for seconds.
-- Looks before it acts: each of these statements, even IF NOT EXISTS, waits for every open sender, and
-- every other sender behind it; so it rather fails than waits for long.
CREATE OR REPLACE FUNCTION faststream_pgmq.prepare_queue(queue text) RETURNS void
LANGUAGE plpgsql
SET lock_timeout = '1s'
AS $$
DECLARE
    qtable text := pgmq.format_table_name(queue, 'q');
BEGIN
    IF to_regclass(format('pgmq.%I', qtable)) IS NULL THEN
        PERFORM pgmq.create(queue);
    END IF;
    -- The condition is what a busy system runs at each send: the function is called only to ring.
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_trigger
        WHERE tgname = 'faststream_pgmq_doorbell' AND tgrelid = format('pgmq.%I', qtable)::regclass
          AND tgqual IS NOT NULL
    ) THEN
        EXECUTE format(
            'CREATE OR REPLACE TRIGGER faststream_pgmq_doorbell AFTER INSERT ON pgmq.%I FOR EACH STATEMENT '
            'WHEN (NOT pg_catalog.pg_try_advisory_xact_lock_shared(pg_catalog.hashtextextended(%L, 0))) '
            'EXECUTE FUNCTION faststream_pgmq.ring_doorbell(%L)',
            qtable, 'pgmq_bell.' || lower(queue), 'pgmq_bell.' || lower(queue));
    END IF;
    IF (SELECT reloptions IS NULL FROM pg_catalog.pg_class
        WHERE oid = format('pgmq.%I', qtable)::regclass AND relkind = 'r') THEN
        -- A queue's rows die soon after they are written, however many there are.
        EXECUTE format(
            'ALTER TABLE pgmq.%I SET (fillfactor = 80, autovacuum_vacuum_threshold = 2000, '
            'autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0, '
            'autovacuum_analyze_threshold = 2000, autovacuum_analyze_scale_factor = 0.05)', qtable);
    END IF;
END
$$;

-- Creates `queue` and its dead letter queue; safe to repeat and to run at the same time.
CREATE OR REPLACE FUNCTION faststream_pgmq.create_queue(queue text) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    qtable text;
BEGIN
    IF queue !~ '^[A-Za-z0-9_.-]+$' OR length(queue) > 43 THEN
        RAISE EXCEPTION 'queue name % is not 1 to 43 letters, digits, "_", "." or "-"', quote_literal(queue)
            USING HINT = 'pgmq allows 47 characters; "_dlq" takes four of them.';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('faststream_pgmq.create_queue', 0));
    PERFORM faststream_pgmq.prepare_queue(queue);
    PERFORM faststream_pgmq.prepare_queue(queue || '_dlq');
    PERFORM faststream_pgmq.prepare_archive(queue);
    PERFORM faststream_pgmq.prepare_archive(queue || '_dlq');
    qtable := pgmq.format_table_name(queue, 'q');
    -- At most one waiting message with a key. A message that was read once has left the index:
    -- a retry must not collide with a newer message. A partitioned queue can have no such index.
    IF to_regclass(format('pgmq.%I', qtable || '_dedup')) IS NULL AND EXISTS (
        SELECT FROM pg_catalog.pg_class WHERE oid = format('pgmq.%I', qtable)::regclass AND relkind = 'r'
    ) THEN
        EXECUTE format(
            'CREATE UNIQUE INDEX %I ON pgmq.%I ((headers->>''dedup_key'')) '
            'WHERE read_ct = 0 AND headers ? ''dedup_key''', qtable || '_dedup', qtable);
    END IF;
END
$$;
