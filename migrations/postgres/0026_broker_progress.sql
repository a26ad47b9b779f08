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

-- Answers to requests, on their way to who waits for them. An address is `inbox/number`: each process
-- that asks has an inbox of its own, which is only a channel it listens on, so that no queue is left
-- behind by one that died. Unlogged: nobody waits for an answer over a crash of the server.
-- Cost: one row for each answer until its requester takes it, and a NOTIFY with each.
CREATE UNLOGGED TABLE IF NOT EXISTS faststream_pgmq.reply (
    reply_id bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    inbox    text        NOT NULL,
    address  text        NOT NULL,
    message  jsonb,
    headers  jsonb       NOT NULL DEFAULT '{}',
    sent_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX IF NOT EXISTS reply_inbox ON faststream_pgmq.reply (inbox);
CREATE INDEX IF NOT EXISTS reply_sent_at ON faststream_pgmq.reply (sent_at);
-- Opened to nobody. Roles that answer or ask: GRANT SELECT, INSERT, DELETE ON this table.

-- Answers a request; `address` is its header `reply_to`. Good for handlers in any language.
-- What nobody took within an hour, because its requester died, is removed on the way.
CREATE OR REPLACE FUNCTION faststream_pgmq.send_reply(address text, message jsonb, headers jsonb DEFAULT '{}')
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO faststream_pgmq.reply (inbox, address, message, headers)
    VALUES (split_part(send_reply.address, '/', 1), send_reply.address, send_reply.message,
            coalesce(send_reply.headers, '{}'));
    PERFORM pg_catalog.pg_notify(split_part(send_reply.address, '/', 1), '');
    DELETE FROM faststream_pgmq.reply WHERE reply_id = ANY (ARRAY(
        SELECT reply_id FROM faststream_pgmq.reply
        WHERE sent_at < clock_timestamp() - interval '1 hour'
        LIMIT 10 FOR UPDATE SKIP LOCKED));
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
--   in_flight  a consumer has it, and its lease has not run out
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
                'SELECT count(*) FILTER (WHERE last_read_at IS NULL), '
                '       count(*) FILTER (WHERE last_read_at IS NOT NULL) FROM ('
                -- What a consumer gives back, or lets wait for a retry, was read by nobody since.
                '    SELECT last_read_at FROM %1$s WHERE vt > now() LIMIT $1 + 1) AS few', qtable)
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

-- How far handlers say they are with what they have in hand: a row for each message whose handler runs for
-- longer than a second and reports. Count only rows whose `read_ct` is that of the message: a worker that was
-- killed leaves its rows, until a day has passed.
-- Cost: unlogged, so neither written to the log nor kept over a crash of the server; at most one statement a
-- second of each subscriber. Who consumes: GRANT SELECT, INSERT, UPDATE, DELETE. Undo: DROP TABLE.
CREATE UNLOGGED TABLE IF NOT EXISTS faststream_pgmq.progress (
    queue   text        NOT NULL CHECK (queue = lower(queue)),
    msg_id  bigint      NOT NULL,
    read_ct integer     NOT NULL,
    step    text        NOT NULL,
    done    bigint      NOT NULL,
    total   bigint      NOT NULL,
    told_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (queue, msg_id)
) WITH (fillfactor = 50);
COMMENT ON COLUMN faststream_pgmq.progress.total IS 'of what `done` counts; 0 where the handler does not know';


-- Deletes at most `max_rows` archived messages of `queue`, oldest first, that were archived at least
-- `older_than` ago, and returns how many. Repeat until it returns less; each call is short, waits for
-- nobody, and many may run at the same time. The index on `archived_at` is pgmq's own.
CREATE OR REPLACE FUNCTION faststream_pgmq.purge_archive(
    queue text, older_than interval, max_rows bigint DEFAULT 1000
) RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    archive regclass := to_regclass(format('pgmq.%I', pgmq.format_table_name(queue, 'a')));
    purged bigint;
BEGIN
    PERFORM faststream_pgmq.check_purge(queue, archive, older_than);
    -- By place and not by msg_id: a partitioned archive has no index on that. The rows are locked, so
    -- they stay where they are. The array is what keeps a plan from reading the whole archive.
    EXECUTE format(
        'WITH old AS MATERIALIZED ('
        '    SELECT tableoid AS part, ctid AS place FROM %1$s WHERE archived_at <= $1 '
        '    ORDER BY archived_at LIMIT $2 FOR UPDATE SKIP LOCKED) '
        'DELETE FROM %1$s AS gone USING old WHERE gone.ctid = ANY (ARRAY(SELECT place FROM old)) '
        'AND gone.ctid = old.place AND gone.tableoid = old.part', archive)
    USING clock_timestamp() - older_than, max_rows;
    GET DIAGNOSTICS purged = ROW_COUNT;
    RETURN purged;
END
$$;

-- The same for dead letters that nobody redrove or discarded: of the `max_rows` oldest, those that
-- became dead letters at least `older_than` ago are deleted.
CREATE OR REPLACE FUNCTION faststream_pgmq.purge_dead_letters(
    queue text, older_than interval, max_rows bigint DEFAULT 1000
) RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    letters regclass := to_regclass(format('pgmq.%I', pgmq.format_table_name(queue || '_dlq', 'q')));
    purged bigint;
BEGIN
    PERFORM faststream_pgmq.check_purge(queue, letters, older_than);
    -- Oldest by id: a look by time would visit every letter, each time, to find that none is old.
    EXECUTE format(
        'DELETE FROM %1$s WHERE enqueued_at <= $1 AND msg_id = ANY (ARRAY('
        '    SELECT msg_id FROM %1$s ORDER BY msg_id LIMIT $2 FOR UPDATE SKIP LOCKED))', letters)
    USING clock_timestamp() - older_than, max_rows;
    GET DIAGNOSTICS purged = ROW_COUNT;
    RETURN purged;
END
$$;

-- Raises when there is nothing to purge from, or when the age is none.
CREATE OR REPLACE FUNCTION faststream_pgmq.check_purge(queue text, of_table regclass, older_than interval)
RETURNS void
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF of_table IS NULL THEN
        RAISE EXCEPTION 'there is no queue %', quote_literal(queue)
            USING ERRCODE = 'undefined_table',
                  HINT = 'SELECT queue_name FROM pgmq.list_queues() lists those that exist.';
    END IF;
    IF older_than IS NULL OR older_than < interval '0' THEN
        RAISE EXCEPTION 'older_than must be an interval of at least 0, got %', quote_nullable(older_than)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
END
$$;

-- Autovacuum for an archive: rows come in, are never updated, and leave oldest first. So it is to
-- vacuum after inserts (freeze, visibility), before the table is big, and after a purge.
CREATE OR REPLACE FUNCTION faststream_pgmq.archive_settings() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT 'autovacuum_vacuum_insert_threshold = 10000, autovacuum_vacuum_insert_scale_factor = 0.05, '
           'autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_scale_factor = 0.05, '
           'autovacuum_analyze_threshold = 10000, autovacuum_analyze_scale_factor = 0.05'
$$;

-- Tunes the archive of a queue, unless somebody has set anything there. Blocks neither readers nor
-- writers, and rather fails than waits for long.
CREATE OR REPLACE FUNCTION faststream_pgmq.prepare_archive(queue text) RETURNS void
LANGUAGE plpgsql
SET lock_timeout = '1s'
AS $$
DECLARE
    archive regclass := to_regclass(format('pgmq.%I', pgmq.format_table_name(queue, 'a')));
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_class
               WHERE oid = archive AND relkind = 'r' AND reloptions IS NULL) THEN
        EXECUTE format('ALTER TABLE %s SET (%s)', archive, faststream_pgmq.archive_settings());
    END IF;
END
$$;

-- What keeps dead rows from being removed, in this database: the oldest snapshot that anybody but the
-- caller holds. While it is held, every row that died since stays, and reads of a busy queue get slower.
-- `seconds` is null where the caller may not see it (grant pg_read_all_stats); the rest is seen by all.
CREATE OR REPLACE FUNCTION faststream_pgmq.oldest_snapshot()
RETURNS TABLE (holder text, pid integer, application text, usename name, state text,
               seconds double precision, transactions integer)
LANGUAGE sql STABLE
AS $$
    SELECT holders.holder, holders.pid, holders.application, holders.usename, holders.state,
           extract(epoch FROM clock_timestamp() - holders.since)::float8, age(holders.xmin)
    FROM (
        SELECT CASE backend_type WHEN 'client backend' THEN 'session' ELSE backend_type END AS holder,
               activity.pid, activity.application_name AS application, activity.usename, activity.state,
               activity.xact_start AS since, coalesce(activity.backend_xmin, activity.backend_xid) AS xmin
        FROM pg_catalog.pg_stat_activity AS activity
        WHERE activity.pid <> pg_backend_pid()
          AND coalesce(activity.datname, current_database()) = current_database()
          -- Others ignore the snapshot of a vacuum.
          AND activity.backend_type IS DISTINCT FROM 'autovacuum worker'
        UNION ALL
        SELECT 'prepared transaction', NULL, gid, owner, 'prepared', prepared, transaction
        FROM pg_catalog.pg_prepared_xacts WHERE database = current_database()
        UNION ALL
        SELECT 'replication slot', active_pid, slot_name::text, NULL,
               CASE WHEN active THEN 'active' ELSE 'inactive' END, NULL, slots.xmin
        FROM pg_catalog.pg_replication_slots AS slots
    ) AS holders
    WHERE holders.xmin IS NOT NULL
    ORDER BY age(holders.xmin) DESC, holders.since
    LIMIT 1
$$;

-- How the tables of every queue do; counts no rows, so it costs the same however long they are.
--   dead_tuples  rows that are dead and not yet removed, as Postgres' statistics say
--   oldest       seconds since the message that is next was sent
--   doorbell     whether senders wake sleeping consumers; else consumers poll each second
-- Partitions are summed up. Null where the caller may not read.
CREATE OR REPLACE FUNCTION faststream_pgmq.health()
RETURNS TABLE (queue text, dead_tuples bigint, last_vacuum timestamptz, table_bytes bigint,
               index_bytes bigint, archive_bytes bigint, oldest double precision,
               doorbell boolean, partitioned boolean)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    qtable regclass;
    archive regclass;
BEGIN
    FOR queue, partitioned IN SELECT queue_name, is_partitioned FROM pgmq.meta ORDER BY queue_name
    LOOP
        qtable := to_regclass(format('pgmq.%I', pgmq.format_table_name(queue, 'q')));
        archive := to_regclass(format('pgmq.%I', pgmq.format_table_name(queue, 'a')));
        CONTINUE WHEN qtable IS NULL;
        -- A plain table is no partition tree, and of a partitioned one the parent holds nothing.
        SELECT sum(pg_stat_get_dead_tuples(parts.relid)),
               max(greatest(pg_stat_get_last_vacuum_time(parts.relid),
                            pg_stat_get_last_autovacuum_time(parts.relid))),
               sum(pg_table_size(parts.relid)), sum(pg_indexes_size(parts.relid))
        INTO dead_tuples, last_vacuum, table_bytes, index_bytes
        FROM (SELECT qtable AS relid UNION SELECT tree.relid FROM pg_partition_tree(qtable) AS tree) AS parts;
        SELECT sum(pg_total_relation_size(parts.relid)) INTO archive_bytes
        FROM (SELECT archive AS relid UNION SELECT tree.relid FROM pg_partition_tree(archive) AS tree) AS parts;
        SELECT count(*) > 0 INTO doorbell FROM pg_catalog.pg_trigger
        WHERE tgrelid = qtable AND tgname = 'faststream_pgmq_doorbell' AND tgenabled IN ('O', 'A');
        oldest := NULL;
        IF has_table_privilege(qtable, 'SELECT') THEN
            EXECUTE format(
                'SELECT extract(epoch FROM clock_timestamp() - enqueued_at)::float8 '
                'FROM %s WHERE vt <= now() ORDER BY msg_id LIMIT 1', qtable)
            INTO oldest;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;

-- Sets storage parameters on the partitions of a table of pgmq, and on the template from which
-- pg_partman makes new ones: the parent itself can have none.
CREATE OR REPLACE FUNCTION faststream_pgmq.tune_partitions(parent text, settings text) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    partman regnamespace := (SELECT extnamespace FROM pg_catalog.pg_extension WHERE extname = 'pg_partman');
    template text;
    part regclass;
BEGIN
    EXECUTE format('SELECT template_table FROM %s.part_config WHERE parent_table = $1', partman)
    INTO template USING 'pgmq.' || parent;
    FOR part IN
        SELECT to_regclass(template) WHERE to_regclass(template) IS NOT NULL
        UNION ALL
        SELECT relid FROM pg_partition_tree(format('pgmq.%I', parent)::regclass) WHERE isleaf
    LOOP
        EXECUTE format('ALTER TABLE %s SET (%s)', part, settings);
    END LOOP;
END
$$;

-- Creates a queue whose tables are partitioned, and its dead letter queue, which is not; safe to repeat.
--   partition_interval, retention   as pgmq.create_partitioned() takes them: numbers of messages
--                                   ('100000'), or lengths of time ('1 day')
-- What pg_partman drops after `retention` is dropped, handled or not. There is no dedup_key here: a
-- unique index would have to hold the partition key. New partitions are made by pg_partman's
-- maintenance (its background worker, or a cron job that calls it).
CREATE OR REPLACE FUNCTION faststream_pgmq.create_partitioned_queue(
    queue text, partition_interval text DEFAULT '100000', retention text DEFAULT '10000000'
) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    qtable text := pgmq.format_table_name(queue, 'q');
BEGIN
    IF queue !~ '^[A-Za-z0-9_.-]+$' OR length(queue) > 43 THEN
        RAISE EXCEPTION 'queue name % is not 1 to 43 letters, digits, "_", "." or "-"', quote_literal(queue)
            USING HINT = 'pgmq allows 47 characters; "_dlq" takes four of them.';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'pg_partman') THEN
        RAISE EXCEPTION 'partitioned queues need the extension pg_partman, which this database has not'
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'Install its package on the server, then CREATE EXTENSION pg_partman; '
                         'or create a plain queue with faststream_pgmq.create_queue().';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('faststream_pgmq.create_queue', 0));
    IF to_regclass(format('pgmq.%I', qtable)) IS NULL THEN
        PERFORM pgmq.create_partitioned(queue, partition_interval, retention);
        -- pgmq indexes the partition key only; a claim needs both of these.
        IF pg_get_partkeydef(format('pgmq.%I', qtable)::regclass) <> 'RANGE (msg_id)' THEN
            EXECUTE format('CREATE INDEX %I ON pgmq.%I (msg_id)', qtable || '_msg_id_idx', qtable);
        END IF;
        EXECUTE format('CREATE INDEX %I ON pgmq.%I (vt)', qtable || '_vt_idx', qtable);
        PERFORM faststream_pgmq.tune_partitions(qtable,
            'fillfactor = 80, autovacuum_vacuum_threshold = 2000, '
            'autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0, '
            'autovacuum_analyze_threshold = 2000, autovacuum_analyze_scale_factor = 0.05');
        PERFORM faststream_pgmq.tune_partitions(pgmq.format_table_name(queue, 'a'),
            faststream_pgmq.archive_settings());
    END IF;
    PERFORM faststream_pgmq.prepare_queue(queue);
    PERFORM faststream_pgmq.prepare_queue(queue || '_dlq');
END
$$;
