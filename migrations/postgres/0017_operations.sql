-- Dead letters for people: what each one failed of, without reading the letters; and redrives and discards of many
-- that run in the background, in chunks.
-- `dead_letters` is kept by triggers on the dead letter queues, in the same transaction: it cannot disagree with
-- them. It exists because 100,000 letters hold a gigabyte of tracebacks and payloads, and an expression index on them
-- could not answer without reading that.
-- Cost: existing dead letters are read once, some 0.1 ms each, while nothing can be dead-lettered; then one narrow row
-- for each dead letter. Undo: DROP TABLE dead_letters, operations; DROP the functions and the triggers that name them.
CREATE TABLE IF NOT EXISTS dead_letters (
    queue        text        NOT NULL,
    msg_id       bigint      NOT NULL,
    workspace_id text        NOT NULL,
    fingerprint  text        NOT NULL,
    died_at      timestamptz NOT NULL,
    xact_id      xid8        NOT NULL,
    error        text        NOT NULL,
    message      text        NOT NULL,
    frame        text        NOT NULL,
    release      text,
    attempts     integer,
    job_id       text,
    trace_id     text,
    PRIMARY KEY (queue, msg_id)
);
COMMENT ON TABLE dead_letters IS 'What the dead letters failed of; written by the triggers on their queues alone';
COMMENT ON COLUMN dead_letters.queue IS 'without _dlq';
COMMENT ON COLUMN dead_letters.fingerprint IS
    'of the queue, the class of the error, its message without what differs, and our last frame';
COMMENT ON COLUMN dead_letters.xact_id IS 'who filed it: tells whether it was there when somebody looked';
COMMENT ON COLUMN dead_letters.message IS 'the first 1,000 characters of the error''s message';
COMMENT ON COLUMN dead_letters.release IS 'as the process that filed it says in its setting supastate.release';
CREATE INDEX IF NOT EXISTS dead_letters_of_workspace
    ON dead_letters (workspace_id, queue, died_at, msg_id) INCLUDE (fingerprint);
CREATE INDEX IF NOT EXISTS dead_letters_of_group
    ON dead_letters (workspace_id, fingerprint, died_at, msg_id);

-- An error's message without what differs from one letter to the next. The order matters: a UUID holds numbers.
CREATE OR REPLACE FUNCTION letter_title(message text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    title text := "left"(coalesce(message, ''), 1000);
BEGIN
    title := regexp_replace(title, '[a-z][a-z0-9+.-]*://[^\s''"<>]+', '<url>', 'gi');
    title := regexp_replace(title, '(?<!\w)''[^''\n]*''(?!\w)|"[^"\n]*"|`[^`\n]*`', '<text>', 'g');
    title := regexp_replace(title, '\y[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\y', '<uuid>', 'gi');
    title := regexp_replace(title, '(?<![\w.>])(?:[a-z]:|~|\.{1,2})?(?:[\\/][\w.@+-]+){2,}[\\/]?', '<path>', 'gi');
    title := regexp_replace(title, '\y(?:0x[0-9a-f]+|(?=[a-f]*[0-9])[0-9a-f]{8,})\y', '<hex>', 'gi');
    -- Not the digit of a name such as utf8, but that of user4711.
    title := regexp_replace(title, '(?<![a-z0-9_])[0-9]+(?:[.,:][0-9]+)*|[0-9]{4,}', '<n>', 'gi');
    RETURN btrim("left"(regexp_replace(title, '\s+', ' ', 'g'), 300));
END
$$;

-- The last frame of a traceback that is ours, without the folder it was installed in and without its line: both
-- change with a release. Of an error with causes it is the last one's, as Python writes them.
CREATE OR REPLACE FUNCTION letter_frame(traceback text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    lines text[] := string_to_array("right"(traceback, 20000), chr(10));
    found text[];
    place text;
BEGIN
    FOR n IN REVERSE cardinality(lines) .. 1 LOOP
        CONTINUE WHEN strpos(lines[n], 'File "') = 0;
        found := regexp_match("left"(lines[n], 1000), 'File "([^"]+)", line \d+, in (\S+)');
        CONTINUE WHEN found IS NULL;
        place := regexp_replace(replace(found[1], '\', '/'), '^.*/(?=(site|dist)-packages/)', '');
        IF place ~ '^(site|dist)-packages/(services|shared|faststream_pgmq|cli)/'
           OR place !~ '^(site|dist)-packages/|/lib(64)?/python' AND place ~ '(^|/)(services|shared|faststream_pgmq|cli)/'
        THEN
            RETURN regexp_replace(place, '^.*/(?=(services|shared|faststream_pgmq|cli)/)', '') || ', in ' || found[2];
        END IF;
    END LOOP;
    RETURN '';
END
$$;

-- The workspace of a message: its group, else what its body says, as old senders wrote it.
CREATE OR REPLACE FUNCTION letter_workspace(headers jsonb, message jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(nullif(faststream_pgmq.group_of(headers), ''), "left"(message->>'workspace_id', 200), '');

-- The statement that notes the letters of `source`, a dead letter queue or new rows of one, which belongs to queue $1.
-- What many of them have in common is worked out once.
CREATE OR REPLACE FUNCTION noting_letters(source text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN format($note$
    WITH letter AS MATERIALIZED (
        SELECT msg_id, enqueued_at, headers, letter_workspace(headers, message) AS workspace_id,
               coalesce(headers->'dead_letter'->>'error', '') AS error,
               coalesce(headers->'dead_letter'->>'message', '') AS message,
               coalesce(headers->'dead_letter'->>'traceback', '') AS traceback
        FROM %s
    ), kind AS MATERIALIZED (
        SELECT error, message, traceback, letter_frame(traceback) AS frame, letter_title(message) AS title
        FROM (SELECT DISTINCT error, message, traceback FROM letter) AS distinct_reports
    )
    INSERT INTO dead_letters (queue, msg_id, workspace_id, fingerprint, died_at, xact_id, error, message, frame,
                              release, attempts, job_id, trace_id)
    SELECT $1, msg_id, workspace_id,
           "left"(encode(sha256(convert_to($1 || chr(10) || error || chr(10) || frame || chr(10) || title, 'UTF8')), 'hex'), 16),
           enqueued_at, pg_current_xact_id(), "left"(error, 200), "left"(message, 1000), frame,
           coalesce("left"(headers->'dead_letter'->>'release', 100),
                    nullif("left"(current_setting('supastate.release', true), 100), '')),
           CASE jsonb_typeof(headers->'dead_letter'->'attempts') WHEN 'number'
                THEN least(greatest((headers->'dead_letter'->>'attempts')::numeric, 0), 2147483647)::integer END,
           "left"(headers->>'job_id', 64),
           substring(headers->>'traceparent' FROM '^[0-9a-f]{2}-([0-9a-f]{32})-')
    FROM letter JOIN kind USING (error, message, traceback)
    ON CONFLICT (queue, msg_id) DO NOTHING
$note$, source);

CREATE OR REPLACE FUNCTION note_dead_letters() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    EXECUTE noting_letters('letters') USING TG_ARGV[0];
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION forget_dead_letters() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM dead_letters WHERE queue = TG_ARGV[0];
    ELSE
        DELETE FROM dead_letters WHERE queue = TG_ARGV[0] AND msg_id = ANY (ARRAY(SELECT msg_id FROM letters));
    END IF;
    RETURN NULL;
END
$$;

-- For this migration's queues, and for those of later ones. Notes the letters that are there, too.
CREATE OR REPLACE FUNCTION watch_dead_letters(queue text) RETURNS void
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
    letters text := format('pgmq.%I', pgmq.format_table_name(queue || '_dlq', 'q'));
BEGIN
    EXECUTE format('CREATE OR REPLACE TRIGGER supastate_note_dead_letters AFTER INSERT ON %s '
                   'REFERENCING NEW TABLE AS letters FOR EACH STATEMENT EXECUTE FUNCTION note_dead_letters(%L)',
                   letters, queue);
    EXECUTE format('CREATE OR REPLACE TRIGGER supastate_forget_dead_letters AFTER DELETE ON %s '
                   'REFERENCING OLD TABLE AS letters FOR EACH STATEMENT EXECUTE FUNCTION forget_dead_letters(%L)',
                   letters, queue);
    EXECUTE format('CREATE OR REPLACE TRIGGER supastate_forget_all_dead_letters AFTER TRUNCATE ON %s '
                   'FOR EACH STATEMENT EXECUTE FUNCTION forget_dead_letters(%L)', letters, queue);
    EXECUTE noting_letters(letters) USING queue;
END
$$;
SELECT watch_dead_letters(queue)
FROM unnest(ARRAY['memory_ingestion', 'pattern_detection', 'summary_generation']) AS queue;

-- How rows and messages may name a workspace: old ones carry the bare uuid.
CREATE OR REPLACE FUNCTION workspace_spellings(workspace_id text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY[workspace_id] || array_remove(ARRAY[regexp_replace(workspace_id, '^.*:', '')], workspace_id);

-- Whether a letter was there at a snapshot. One filed by a transaction of the future was restored from a dump of
-- another server, so it was.
CREATE OR REPLACE FUNCTION was_there(xact_id xid8, at pg_snapshot) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN at IS NULL OR pg_visible_in_snapshot(xact_id, at) OR xact_id >= pg_snapshot_xmax(pg_current_snapshot());

-- The letters of a workspace in a queue that a filter means, oldest first: what a preview counts is what an operation
-- takes. The filter's fields, each of which may be missing: ids, fingerprint, error, contains, since, until.
--   at             only those that were there at this snapshot
--   after_at, _id  only those behind this one
CREATE OR REPLACE FUNCTION matching_letters(
    p_workspace_id text, p_queue text, filter jsonb, at pg_snapshot DEFAULT NULL,
    after_at timestamptz DEFAULT NULL, after_id bigint DEFAULT NULL, most bigint DEFAULT NULL
) RETURNS TABLE (msg_id bigint, died_at timestamptz)
LANGUAGE plpgsql STABLE
SET search_path = public, pg_temp
AS $$
BEGIN
    RETURN QUERY EXECUTE
        'SELECT found.msg_id, found.died_at FROM unnest(workspace_spellings($1)) AS spelling, LATERAL ('
        'SELECT msg_id, died_at FROM dead_letters WHERE workspace_id = spelling AND queue = $2'
        || CASE WHEN at IS NULL THEN '' ELSE ' AND was_there(xact_id, $4)' END
        || CASE WHEN after_at IS NULL THEN '' ELSE ' AND (died_at, msg_id) > ($5, $6)' END
        || CASE WHEN NOT filter ? 'ids' THEN ''
                ELSE ' AND msg_id = ANY (ARRAY(SELECT jsonb_array_elements_text($3->''ids'')::bigint))' END
        || CASE WHEN NOT filter ? 'fingerprint' THEN '' ELSE ' AND fingerprint = $3->>''fingerprint''' END
        || CASE WHEN NOT filter ? 'error' THEN '' ELSE ' AND error = $3->>''error''' END
        || CASE WHEN NOT filter ? 'contains' THEN ''
                ELSE ' AND strpos(lower(message), lower($3->>''contains'')) > 0' END
        || CASE WHEN NOT filter ? 'since' THEN '' ELSE ' AND died_at >= ($3->>''since'')::timestamptz' END
        || CASE WHEN NOT filter ? 'until' THEN '' ELSE ' AND died_at < ($3->>''until'')::timestamptz' END
        || ' ORDER BY died_at, msg_id LIMIT $7) AS found ORDER BY died_at, msg_id LIMIT $7'
    USING p_workspace_id, p_queue, filter, at, after_at, after_id, most;
END
$$;

-- A redrive or discard of many letters, worked off chunk by chunk.
CREATE TABLE IF NOT EXISTS operations (
    id           uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    workspace_id text        NOT NULL,
    kind         text        NOT NULL CHECK (kind IN ('redrive', 'discard')),
    queue        text        NOT NULL,
    filter       jsonb       NOT NULL DEFAULT '{}',
    at           pg_snapshot,
    total        bigint      NOT NULL CHECK (total >= 0),
    done         bigint      NOT NULL DEFAULT 0,
    skipped      bigint      NOT NULL DEFAULT 0,
    rate         double precision CHECK (rate >= 0.001),
    state        text        NOT NULL DEFAULT 'queued'
                 CHECK (state IN ('queued', 'running', 'cancelled', 'done', 'failed')),
    reason       text        NOT NULL,
    requested_by text        NOT NULL,
    key_id       uuid        NOT NULL,
    error        text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    started_at   timestamptz,
    finished_at  timestamptz,
    next_at      timestamptz NOT NULL DEFAULT now(),
    after_at     timestamptz,
    after_id     bigint
);
COMMENT ON COLUMN operations.at IS 'the letters that were there then; NULL for letters that are named';
COMMENT ON COLUMN operations.done IS 'letters that it moved; with `skipped` and those it has not come to, `total`';
COMMENT ON COLUMN operations.skipped IS 'letters that were gone when it came to them, or that could not be moved';
COMMENT ON COLUMN operations.rate IS 'letters a second at most';
COMMENT ON COLUMN operations.next_at IS 'when its next chunk may begin';
CREATE INDEX IF NOT EXISTS operations_newest_first ON operations (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS operations_to_do ON operations (next_at) WHERE state IN ('queued', 'running');

-- Moves letters one by one, because together they cannot be; returns how many could.
CREATE OR REPLACE FUNCTION move_letters_alone(kind text, queue text, letters bigint[]) RETURNS bigint
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
    letter bigint;
    moved bigint := 0;
BEGIN
    FOREACH letter IN ARRAY letters LOOP
        BEGIN
            moved := moved + move_letters(kind, queue, ARRAY[letter]);
        EXCEPTION WHEN program_limit_exceeded OR data_exception OR integrity_constraint_violation THEN
            CONTINUE;
        END;
    END LOOP;
    RETURN moved;
END
$$;

CREATE OR REPLACE FUNCTION move_letters(kind text, queue text, letters bigint[]) RETURNS bigint
LANGUAGE sql
SET search_path = public, pg_temp
AS $$
    SELECT CASE kind WHEN 'redrive' THEN faststream_pgmq.redrive(queue, letters)
                     WHEN 'discard' THEN faststream_pgmq.discard(queue, letters) END
$$;

-- Does one chunk of the operation that waits longest, with its progress in the same transaction. The lock on its row
-- is the lease: another process takes another operation, a process that dies has done nothing, and who cancels waits
-- for the end of the chunk, so that the totals are right at once.
-- Returns no operation when none is due, and how long until one is; NULL when there is none.
CREATE OR REPLACE FUNCTION advance_operation(chunk integer DEFAULT 1000)
RETURNS TABLE (operation_id uuid, moved bigint, wait_seconds double precision)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    op operations;
    letters bigint[];
    last_at timestamptz;
    last_id bigint;
    problem text;
BEGIN
    SELECT * INTO op FROM operations
    WHERE state IN ('queued', 'running') AND next_at <= clock_timestamp()
    ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        SELECT greatest(0.05, extract(epoch FROM min(next_at) - clock_timestamp())) INTO wait_seconds
        FROM operations WHERE state IN ('queued', 'running');
        RETURN NEXT;
        RETURN;
    END IF;
    chunk := least(chunk, greatest(1, ceil(coalesce(op.rate, chunk))));
    SELECT array_agg(found.msg_id), (array_agg(found.died_at))[count(*)], (array_agg(found.msg_id))[count(*)]
    INTO letters, last_at, last_id
    FROM matching_letters(op.workspace_id, op.queue, op.filter, op.at, op.after_at, op.after_id, chunk) AS found;
    operation_id := op.id;
    moved := 0;
    IF letters IS NOT NULL THEN
        BEGIN
            moved := move_letters(op.kind, op.queue, letters);
        EXCEPTION
            WHEN program_limit_exceeded OR data_exception OR integrity_constraint_violation THEN
                problem := SQLERRM;
                moved := move_letters_alone(op.kind, op.queue, letters);
            WHEN transaction_rollback OR lock_not_available OR operator_intervention OR insufficient_resources THEN
                RAISE;  -- tried again
            WHEN OTHERS THEN
                UPDATE operations SET state = 'failed', error = SQLERRM, finished_at = clock_timestamp() WHERE id = op.id;
                PERFORM pg_notify('supastate_live', 'operations');
                RETURN NEXT;
                RETURN;
        END;
    END IF;
    UPDATE operations AS o SET
        done = o.done + moved,
        -- At the end also those that were gone before it came to them.
        skipped = CASE WHEN coalesce(cardinality(letters), 0) < chunk THEN o.total - o.done - moved
                       ELSE o.skipped + cardinality(letters) - moved END,
        error = coalesce(problem, o.error),
        state = CASE WHEN coalesce(cardinality(letters), 0) < chunk THEN 'done' ELSE 'running' END,
        started_at = coalesce(o.started_at, clock_timestamp()),
        finished_at = CASE WHEN coalesce(cardinality(letters), 0) < chunk THEN clock_timestamp() END,
        next_at = greatest(o.next_at, clock_timestamp() - interval '1 second')
                  + make_interval(secs => coalesce(moved / o.rate, 0)),
        after_at = coalesce(last_at, o.after_at),
        after_id = coalesce(last_id, o.after_id)
    WHERE o.id = op.id;
    PERFORM pg_notify('supastate_live', topic)
    FROM unnest(ARRAY['operations', 'dead_letters', 'queues', 'jobs']) AS topic;
    RETURN NEXT;
END
$$;

REVOKE ALL ON dead_letters, operations FROM PUBLIC;
ALTER TABLE dead_letters ENABLE ROW LEVEL SECURITY;
ALTER TABLE operations ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON FUNCTION advance_operation(integer), move_letters(text, text, bigint[]),
                       move_letters_alone(text, text, bigint[]), watch_dead_letters(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION advance_operation(integer) TO supastate_api;
GRANT SELECT ON dead_letters TO supastate_api, supastate_readonly;
GRANT SELECT, INSERT, UPDATE (state, finished_at) ON operations TO supastate_api;
GRANT SELECT ON operations TO supastate_readonly;
DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['dead_letters', 'operations'] LOOP
        EXECUTE format('DROP POLICY IF EXISTS of_the_caller ON %I', guarded);
        EXECUTE format(
            'CREATE POLICY of_the_caller ON %I TO supastate_api, supastate_readonly '
            'USING (workspace_id = ANY (own_workspaces())) WITH CHECK (workspace_id = ANY (own_workspaces()))', guarded);
    END LOOP;
END
$$;
