-- What faststream-pgmq needs beside pgmq: the doorbell, queue creation, redrive.
-- Plain SQL, safe to repeat; needs no superuser, only the rights that pgmq.create() needs.
-- Cost: functions only; nothing runs until faststream_pgmq.create_queue() is called.
-- Undo: DROP SCHEMA faststream_pgmq CASCADE (also drops the triggers on the queues).
CREATE SCHEMA IF NOT EXISTS faststream_pgmq;
-- The functions run with their caller's rights, so this opens no table to anybody.
GRANT USAGE ON SCHEMA faststream_pgmq TO PUBLIC;

-- Wakes a sleeping consumer, and only a sleeping one.
-- A consumer sleeps while it holds the bell's lock exclusively. Getting it shared, until commit, proves
-- that nobody sleeps, and nobody can fall asleep before this commit is visible; else somebody is told.
-- Why not always NOTIFY: a notifying commit takes a lock on the whole database cluster.
CREATE OR REPLACE FUNCTION faststream_pgmq.ring_doorbell() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NOT pg_catalog.pg_try_advisory_xact_lock_shared(pg_catalog.hashtextextended(TG_ARGV[0], 0)) THEN
        PERFORM pg_catalog.pg_notify(TG_ARGV[0], '');
    END IF;
    RETURN NULL;
END
$$;

-- The headers of a waiting message after a later one with its dedup_key was merged into it:
-- the waiting one stays as it is and remembers the later one's trace, at most 128 of them.
CREATE OR REPLACE FUNCTION faststream_pgmq.merge_headers(waiting jsonb, later jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE WHEN links IS NULL THEN waiting
                ELSE waiting || jsonb_build_object('tracelinks', links) END
    FROM (
        SELECT jsonb_agg(link ORDER BY n) FILTER (WHERE n <= 128) AS links
        FROM jsonb_array_elements(
            CASE jsonb_typeof(waiting->'tracelinks') WHEN 'array' THEN waiting->'tracelinks' ELSE '[]' END
            || CASE jsonb_typeof(later->'traceparent') WHEN 'string' THEN jsonb_build_array(later->'traceparent') ELSE '[]' END
            || CASE jsonb_typeof(later->'tracelinks') WHEN 'array' THEN later->'tracelinks' ELSE '[]' END
        ) WITH ORDINALITY AS merged (link, n)
    ) AS capped
$$;

-- Hangs the doorbell on a queue and tunes the table for rows that live for seconds.
-- Looks before it acts: each of these statements, even IF NOT EXISTS, waits for every open sender.
CREATE OR REPLACE FUNCTION faststream_pgmq.prepare_queue(queue text) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    qtable text := pgmq.format_table_name(queue, 'q');
BEGIN
    IF to_regclass(format('pgmq.%I', qtable)) IS NULL THEN
        PERFORM pgmq.create(queue);
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_trigger
        WHERE tgname = 'faststream_pgmq_doorbell' AND tgrelid = format('pgmq.%I', qtable)::regclass
    ) THEN
        EXECUTE format(
            'CREATE TRIGGER faststream_pgmq_doorbell AFTER INSERT ON pgmq.%I '
            'FOR EACH STATEMENT EXECUTE FUNCTION faststream_pgmq.ring_doorbell(%L)',
            qtable, 'pgmq_bell.' || lower(queue));
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
    qtable := pgmq.format_table_name(queue, 'q');
    -- At most one waiting message with a key. A message that was read once has left the index:
    -- a retry must not collide with a newer message.
    IF to_regclass(format('pgmq.%I', qtable || '_dedup')) IS NULL THEN
        EXECUTE format(
            'CREATE UNIQUE INDEX %I ON pgmq.%I ((headers->>''dedup_key'')) '
            'WHERE read_ct = 0 AND headers ? ''dedup_key''', qtable || '_dedup', qtable);
    END IF;
END
$$;

-- Puts dead letters back, all of them or those named, and returns how many.
-- They keep their headers, so also their job and trace, and start again with no attempt used.
CREATE OR REPLACE FUNCTION faststream_pgmq.redrive(queue text, msg_ids bigint[] DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    letter record;
    redriven bigint := 0;
BEGIN
    -- One by one: two dead letters may carry the same dedup_key, and then the second merges into the first.
    FOR letter IN EXECUTE format(
        'WITH taken AS (DELETE FROM pgmq.%I WHERE $1 IS NULL OR msg_id = ANY ($1) '
        'RETURNING msg_id, message, headers) SELECT message, headers FROM taken ORDER BY msg_id',
        pgmq.format_table_name(queue || '_dlq', 'q')) USING msg_ids
    LOOP
        EXECUTE format(
            'INSERT INTO pgmq.%I AS waiting (vt, message, headers) VALUES (clock_timestamp(), $1, $2) '
            'ON CONFLICT ((headers->>''dedup_key'')) WHERE read_ct = 0 AND headers ? ''dedup_key'' '
            'DO UPDATE SET headers = faststream_pgmq.merge_headers(waiting.headers, excluded.headers)',
            pgmq.format_table_name(queue, 'q'))
        USING letter.message,
              letter.headers - ARRAY['dead_letter', 'attempts', 'released', 'last_error'];
        redriven := redriven + 1;
    END LOOP;
    RETURN redriven;
END
$$;
