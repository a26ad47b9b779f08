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

-- A message's group as the indexes hold it, by its header `group`; without one it is in the group ''.
-- Cut, because an index entry has a limit and a sender's header has none.
CREATE OR REPLACE FUNCTION faststream_pgmq.group_of(headers jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN "left"(coalesce(headers->>'group', ''), 200);

-- Gives a queue the indexes that reading by groups needs: 'fair' for in turn and for at most so many of a
-- group at a time, 'ordered' for one after the other. Safe to repeat, also for the other one later; rather
-- fails than waits for open senders for long.
CREATE OR REPLACE FUNCTION faststream_pgmq.add_groups(queue text, groups text) RETURNS void
LANGUAGE plpgsql
SET lock_timeout = '1s'
AS $$
DECLARE
    qtable text := pgmq.format_table_name(queue, 'q');
    -- Expressions, so that the planner cannot take another index of the queue for them: reading that one
    -- until a message of a rare group turns up looks cheap to it, and is not.
    index_by text := CASE groups WHEN 'fair' THEN 'timezone(''UTC'', vt)' WHEN 'ordered' THEN 'msg_id + 0' END;
BEGIN
    IF index_by IS NULL THEN
        RAISE EXCEPTION 'groups is %, neither ''fair'' nor ''ordered''', quote_literal(groups);
    END IF;
    IF to_regclass(format('pgmq.%I', qtable || '_' || groups)) IS NULL THEN
        EXECUTE format('CREATE INDEX %I ON pgmq.%I ((faststream_pgmq.group_of(headers) COLLATE "C"), (%s))',
                       qtable || '_' || groups, qtable, index_by);
    END IF;
    -- What somebody has in hand: few rows, however long the queue is.
    IF to_regclass(format('pgmq.%I', qtable || '_in_hand')) IS NULL THEN
        EXECUTE format('CREATE INDEX %I ON pgmq.%I ((faststream_pgmq.group_of(headers) COLLATE "C"), (timezone(''UTC'', vt))) '
                       'WHERE last_read_at IS NOT NULL', qtable || '_in_hand', qtable);
    END IF;
END
$$;

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

-- The ids of the dead letters of `queue` that match, lowest first; a filter that is NULL matches all.
--   error     the class of the error, such as 'ValueError'
--   contains  text in the error's message, in any case
--   since     when it became a dead letter, with this moment; `until` is without it
--   after     only higher ids, and with `up_to` only those up to it: for pages, and for a snapshot
CREATE OR REPLACE FUNCTION faststream_pgmq.dead_letter_ids(
    queue text, error text DEFAULT NULL, contains text DEFAULT NULL, "group" text DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    max_rows bigint DEFAULT NULL, after bigint DEFAULT 0, up_to bigint DEFAULT NULL
) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT msg_id FROM pgmq.%I '
        'WHERE msg_id > $7 AND msg_id <= coalesce($8, 9223372036854775807)'
        || CASE WHEN since IS NULL THEN '' ELSE ' AND enqueued_at >= $4' END
        || CASE WHEN until IS NULL THEN '' ELSE ' AND enqueued_at < $5' END
        || CASE WHEN "group" IS NULL THEN '' ELSE ' AND headers->>''group'' = $3' END
        || CASE WHEN error IS NULL THEN '' ELSE ' AND headers->''dead_letter''->>''error'' = $1' END
        || CASE WHEN contains IS NULL THEN ''
                ELSE ' AND strpos(lower(headers->''dead_letter''->>''message''), lower($2)) > 0' END
        || ' ORDER BY msg_id LIMIT $6',
        pgmq.format_table_name(queue || '_dlq', 'q'))
    USING error, contains, "group", since, until, max_rows, coalesce(after, 0), up_to;
END
$$;

-- Dead letters for a reader: the filters of dead_letter_ids, at most `max_rows`, lowest id first.
CREATE OR REPLACE FUNCTION faststream_pgmq.dead_letters(
    queue text, error text DEFAULT NULL, contains text DEFAULT NULL, "group" text DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    max_rows bigint DEFAULT 100, after bigint DEFAULT 0
) RETURNS TABLE (msg_id bigint, failed_at timestamptz, error_class text, error_message text,
                 message jsonb, headers jsonb)
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT msg_id, enqueued_at, headers->''dead_letter''->>''error'', '
        'headers->''dead_letter''->>''message'', message, headers '
        'FROM pgmq.%I WHERE msg_id = ANY ($1) ORDER BY msg_id',
        pgmq.format_table_name(queue || '_dlq', 'q'))
    USING ARRAY(SELECT faststream_pgmq.dead_letter_ids(
        queue, error, contains, "group", since, until, max_rows, after));
END
$$;

-- Puts dead letters back, all of them or those named, and returns how many.
-- They keep their headers, so also their job and trace, and start again with no attempt used.
CREATE OR REPLACE FUNCTION faststream_pgmq.redrive(queue text, msg_ids bigint[] DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    letters text := pgmq.format_table_name(queue || '_dlq', 'q');
    waiting text := pgmq.format_table_name(queue, 'q');
    spent CONSTANT text[] := ARRAY['dead_letter', 'attempts', 'released', 'last_error'];
    letter record;
    redriven bigint;
BEGIN
    -- Locked in one order, so that two who redrive the same letters cannot deadlock.
    EXECUTE format('SELECT coalesce(array_agg(msg_id), ''{}'') FROM (SELECT msg_id FROM pgmq.%I '
                   'WHERE $1 IS NULL OR msg_id = ANY ($1) ORDER BY msg_id FOR UPDATE) AS locked', letters)
    INTO msg_ids USING msg_ids;
    EXECUTE format(
        'WITH taken AS ('
        '    DELETE FROM pgmq.%I WHERE msg_id = ANY ($1) AND (headers ? ''dedup_key'') IS NOT TRUE '
        '    RETURNING msg_id, message, headers) '
        'INSERT INTO pgmq.%I (vt, message, headers) '
        'SELECT clock_timestamp(), message, '
        '       CASE jsonb_typeof(headers) WHEN ''object'' THEN headers - $2 ELSE headers END '
        'FROM taken ORDER BY msg_id', letters, waiting)
    USING msg_ids, spent;
    GET DIAGNOSTICS redriven = ROW_COUNT;
    -- One by one: two dead letters may carry the same dedup_key, and then the second merges into the first.
    FOR letter IN EXECUTE format(
        'WITH taken AS (DELETE FROM pgmq.%I WHERE msg_id = ANY ($1) RETURNING msg_id, message, headers) '
        'SELECT message, headers FROM taken ORDER BY headers->>''dedup_key'', msg_id', letters)
        USING msg_ids
    LOOP
        EXECUTE format(
            'INSERT INTO pgmq.%I AS waiting (vt, message, headers) VALUES (clock_timestamp(), $1, $2) '
            'ON CONFLICT ((headers->>''dedup_key'')) WHERE read_ct = 0 AND headers ? ''dedup_key'' '
            'DO UPDATE SET headers = faststream_pgmq.merge_headers(waiting.headers, excluded.headers)',
            waiting)
        USING letter.message, letter.headers - spent;
        redriven := redriven + 1;
    END LOOP;
    RETURN redriven;
END
$$;

-- Takes dead letters out for good and returns how many: into the archive of the dead letter queue,
-- or with keep => false nowhere. Those who mean all say so: faststream_pgmq.dead_letter_ids(queue).
CREATE OR REPLACE FUNCTION faststream_pgmq.discard(queue text, msg_ids bigint[], keep boolean DEFAULT true)
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    discarded bigint;
BEGIN
    EXECUTE format(
        'WITH locked AS (SELECT msg_id FROM pgmq.%1$I WHERE msg_id = ANY ($1) ORDER BY msg_id FOR UPDATE), '
        'gone AS (DELETE FROM pgmq.%1$I WHERE msg_id = ANY (ARRAY(SELECT msg_id FROM locked)) RETURNING *), '
        'kept AS (INSERT INTO pgmq.%2$I (msg_id, read_ct, enqueued_at, last_read_at, vt, message, headers) '
        '         SELECT msg_id, read_ct, enqueued_at, last_read_at, vt, message, headers FROM gone WHERE $2) '
        'SELECT count(*) FROM gone',
        pgmq.format_table_name(queue || '_dlq', 'q'), pgmq.format_table_name(queue || '_dlq', 'a'))
    INTO discarded USING msg_ids, keep;
    RETURN discarded;
END
$$;

-- Queues that nobody may claim from. A row here is the pause: each claim looks for it.
-- Cost: one look at an index of a table of a few rows, in each claim.
CREATE TABLE IF NOT EXISTS faststream_pgmq.queue_state (
    queue     text        PRIMARY KEY CHECK (queue = lower(queue)),
    reason    text        NOT NULL DEFAULT '',
    paused_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    paused_by text        NOT NULL DEFAULT current_user
);
-- Every consumer must see it. Who may pause: GRANT INSERT, UPDATE, DELETE ON this table.
GRANT SELECT ON faststream_pgmq.queue_state TO PUBLIC;

-- Tells every consumer of the queue, not only one that sleeps by the bell: those that are busy give
-- back what they have not begun, and those that wait for the end of the pause hold no lock.
CREATE OR REPLACE FUNCTION faststream_pgmq.tell_consumers() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        PERFORM pg_catalog.pg_notify('pgmq_bell.' || OLD.queue, 'resume');
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        PERFORM pg_catalog.pg_notify('pgmq_bell.' || NEW.queue, 'pause');
    END IF;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER faststream_pgmq_tell_consumers
    AFTER INSERT OR DELETE OR UPDATE OF queue ON faststream_pgmq.queue_state
    FOR EACH ROW EXECUTE FUNCTION faststream_pgmq.tell_consumers();

-- Stops all consumers of a queue from claiming, once this commits. Messages can still be sent, and
-- handlers that run may finish. Returns whether it was not paused before; a new reason replaces the old.
CREATE OR REPLACE FUNCTION faststream_pgmq.pause(queue text, reason text DEFAULT '') RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
    is_new boolean;
BEGIN
    IF to_regclass(format('pgmq.%I', pgmq.format_table_name(pause.queue, 'q'))) IS NULL THEN
        RAISE EXCEPTION 'there is no queue %', quote_literal(pause.queue)
            USING ERRCODE = 'undefined_table',
                  HINT = 'SELECT queue_name FROM pgmq.list_queues() lists those that exist.';
    END IF;
    INSERT INTO faststream_pgmq.queue_state AS state (queue, reason)
    VALUES (lower(pause.queue), coalesce(pause.reason, ''))
    ON CONFLICT ON CONSTRAINT queue_state_pkey
        DO UPDATE SET reason = excluded.reason, paused_by = excluded.paused_by
    RETURNING state.xmax = 0 INTO is_new;
    RETURN is_new;
END
$$;

-- Lets consumers claim again, and wakes them all. Returns whether it was paused.
CREATE OR REPLACE FUNCTION faststream_pgmq.resume(queue text) RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    DELETE FROM faststream_pgmq.queue_state AS state WHERE state.queue = lower(resume.queue);
    RETURN FOUND;
END
$$;

-- The queues that are paused for all consumers, longest first.
CREATE OR REPLACE FUNCTION faststream_pgmq.paused_queues()
RETURNS TABLE (queue text, reason text, paused_at timestamptz, paused_by text)
LANGUAGE sql STABLE
AS $$
    SELECT state.queue, state.reason, state.paused_at, state.paused_by
    FROM faststream_pgmq.queue_state AS state ORDER BY state.paused_at
$$;

-- What every queue holds now, for a reader. No count goes beyond `most` + 1, which stands for "more":
-- pgmq.metrics() counts whole queues. Null where the caller may not read the queue.
--   ready      may be claimed now; `oldest` is when the one that is next was sent
--   in_flight  a consumer has it: it was read more often than it was retried or given back. A retry
--              that waits counts here as well if a worker died over that message before
--   delayed    hidden without a consumer: sent with a delay, or waiting for its next attempt
CREATE OR REPLACE FUNCTION faststream_pgmq.overview(most bigint DEFAULT 10000)
RETURNS TABLE (queue text, ready bigint, delayed bigint, in_flight bigint, dead bigint,
               oldest timestamptz, paused_at timestamptz, reason text)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    qtable regclass;
    letters regclass;
BEGIN
    FOR queue, paused_at, reason IN
        SELECT meta.queue_name, state.paused_at, state.reason
        FROM pgmq.meta AS meta
        LEFT JOIN faststream_pgmq.queue_state AS state ON state.queue = lower(meta.queue_name)
        WHERE NOT EXISTS (SELECT FROM pgmq.meta AS parent
                          WHERE lower(meta.queue_name) = lower(parent.queue_name) || '_dlq')
        ORDER BY meta.queue_name
    LOOP
        ready := NULL; delayed := NULL; in_flight := NULL; dead := NULL; oldest := NULL;
        qtable := to_regclass(format('pgmq.%I', pgmq.format_table_name(queue, 'q')));
        letters := to_regclass(format('pgmq.%I', pgmq.format_table_name(queue || '_dlq', 'q')));
        IF has_table_privilege(qtable, 'SELECT') THEN
            EXECUTE format(
                'SELECT (SELECT count(*) FROM (SELECT FROM %1$s WHERE vt <= now() LIMIT $1 + 1) AS few), '
                '(SELECT enqueued_at FROM %1$s WHERE vt <= now() ORDER BY msg_id LIMIT 1)', qtable)
            INTO ready, oldest USING most;
            EXECUTE format(
                'SELECT count(*) FILTER (WHERE NOT held), count(*) FILTER (WHERE held) FROM ('
                '    SELECT read_ct > CASE WHEN jsonb_typeof(headers->''attempts'') = ''number'' '
                '                     THEN (headers->''attempts'')::numeric ELSE 0 END '
                '                   + CASE WHEN jsonb_typeof(headers->''released'') = ''number'' '
                '                     THEN (headers->''released'')::numeric ELSE 0 END AS held '
                '    FROM %1$s WHERE vt > now() LIMIT $1 + 1) AS few', qtable)
            INTO delayed, in_flight USING most;
        END IF;
        IF has_table_privilege(letters, 'SELECT') THEN
            EXECUTE format('SELECT count(*) FROM (SELECT FROM %s LIMIT $1 + 1) AS few', letters)
            INTO dead USING most;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
