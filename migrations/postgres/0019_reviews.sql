-- What people say of patterns, what a summary was written from, and how much each key sends.
-- A pattern's id is a hash of what makes it the same one, and detection may delete and find it again: so what a
-- person said of it is kept here, and joined when it is read.
-- Cost: a new, empty table; columns without a default; one index over memories, which blocks their writers while
-- it is built. Undo: DROP TABLE pattern_reviews; DROP INDEX memories_by_time, jobs_of_project; drop the columns.
CREATE TABLE IF NOT EXISTS pattern_reviews (
    workspace_id text        NOT NULL,
    pattern_id   uuid        NOT NULL,
    project_name text        NOT NULL,
    user_id      uuid        NOT NULL,
    verdict      text        NOT NULL,
    note         text,
    reviewed_by  text        NOT NULL,
    reviewed_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, pattern_id),
    CONSTRAINT pattern_reviews_verdict_is_known CHECK (verdict IN ('confirmed', 'dismissed'))
);
COMMENT ON COLUMN pattern_reviews.reviewed_by IS 'the name of the key';
REVOKE ALL ON pattern_reviews FROM PUBLIC;
ALTER TABLE pattern_reviews ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON pattern_reviews TO supastate_api;
GRANT SELECT ON pattern_reviews TO supastate_readonly;
DROP POLICY IF EXISTS of_the_caller ON pattern_reviews;
CREATE POLICY of_the_caller ON pattern_reviews TO supastate_api, supastate_readonly
    USING (workspace_id = ANY (own_workspaces())) WITH CHECK (workspace_id = ANY (own_workspaces()));

-- How many memories a week has: a rate needs what it is a part of.
CREATE INDEX IF NOT EXISTS memories_by_time ON memories (workspace_id, occurred_at);

ALTER TABLE project_summaries ADD COLUMN IF NOT EXISTS source_ids uuid[] NOT NULL DEFAULT '{}';
ALTER TABLE project_summaries ADD COLUMN IF NOT EXISTS first_memory_timestamp timestamptz;
COMMENT ON COLUMN project_summaries.source_ids IS
    'the memories it was written from; empty for a summary that is older than this column';

ALTER TABLE jobs ADD COLUMN IF NOT EXISTS key_id uuid;
ALTER TABLE jobs ADD COLUMN IF NOT EXISTS project_name text;
ALTER TABLE jobs ADD COLUMN IF NOT EXISTS content_bytes bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN jobs.key_id IS 'the API key that asked; NULL for a job that is older than this column';
CREATE INDEX IF NOT EXISTS jobs_of_project ON jobs (workspace_id, project_name, created_at DESC, id DESC)
    WHERE project_name IS NOT NULL;

-- Whoever writes what was made of a workspace's memories holds off the step of a deletion that would miss it.
CREATE OR REPLACE FUNCTION deletion_lock(p_workspace_id text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN hashtextextended('supastate.deletion:' || lower("right"(p_workspace_id, 36)), 0);

CREATE OR REPLACE FUNCTION await_deletion(p_workspace_id text) RETURNS void
LANGUAGE sql
AS $$ SELECT pg_advisory_xact_lock_shared(deletion_lock(p_workspace_id)) $$;
REVOKE ALL ON FUNCTION await_deletion(text), deletion_lock(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION deletion_lock(text) TO supastate_api, supastate_worker;
GRANT EXECUTE ON FUNCTION await_deletion(text) TO supastate_worker;

-- Deleting all data of a user, a project or a workspace. The row says what; a worker's message names only the row.
-- What was deleted is not told: when it is done, the row keeps counts.
CREATE TABLE IF NOT EXISTS deletions (
    id           uuid        PRIMARY KEY,
    workspace_id text        NOT NULL,
    scope        text        NOT NULL CHECK (scope IN ('workspace', 'project', 'user')),
    project      text,
    person       uuid,
    requested_at timestamptz NOT NULL DEFAULT now(),
    key_id       uuid        NOT NULL,
    key_name     text        NOT NULL,
    requested_by uuid        NOT NULL,
    passes       integer     NOT NULL DEFAULT 0,
    waits        text[]      NOT NULL DEFAULT '{}',
    erased       jsonb       NOT NULL DEFAULT '{}',
    finished_at  timestamptz
);
COMMENT ON COLUMN deletions.project IS 'which one, until it is done; then NULL, as is `person`';
COMMENT ON COLUMN deletions.waits IS 'messages that were being worked on when the last pass ended';
CREATE INDEX IF NOT EXISTS deletions_newest_first ON deletions (workspace_id, requested_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS deletions_going_on ON deletions (workspace_id) WHERE finished_at IS NULL;

-- Ids of what was deleted, and traces of the messages about it; both are gone when the deletion is done.
CREATE TABLE IF NOT EXISTS deletion_marks (
    deletion_id uuid NOT NULL REFERENCES deletions (id) ON DELETE CASCADE,
    kind        text NOT NULL,
    id          text NOT NULL,
    PRIMARY KEY (deletion_id, kind, id)
);
REVOKE ALL ON deletions, deletion_marks FROM PUBLIC;
ALTER TABLE deletions ENABLE ROW LEVEL SECURITY;
ALTER TABLE deletion_marks ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON deletions TO supastate_api;
GRANT SELECT, UPDATE (passes, waits, erased) ON deletions TO supastate_worker;
GRANT SELECT ON deletion_marks TO supastate_worker;
DROP POLICY IF EXISTS of_the_caller ON deletions;
CREATE POLICY of_the_caller ON deletions TO supastate_api
    USING (workspace_id = ANY (own_workspaces())) WITH CHECK (workspace_id = ANY (own_workspaces()));
DROP POLICY IF EXISTS of_every_workspace ON deletions;
CREATE POLICY of_every_workspace ON deletions TO supastate_worker USING (true);
DROP POLICY IF EXISTS of_every_workspace ON deletion_marks;
CREATE POLICY of_every_workspace ON deletion_marks TO supastate_worker USING (true);

-- A request that stores something waits for a deletion that is being noted, and is refused while one goes on for it:
-- so nothing comes in behind the worker's back. One look into an index of deletions that go on.
CREATE OR REPLACE FUNCTION refuse_while_deleting() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM await_deletion(NEW.workspace_id);
    IF EXISTS (
        SELECT FROM deletions
        WHERE finished_at IS NULL AND workspace_id = NEW.workspace_id
          AND (scope = 'workspace' OR project = NEW.project_name OR person = NEW.user_id)
    ) THEN
        RAISE EXCEPTION 'this data is being deleted' USING ERRCODE = 'object_in_use';
    END IF;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION refuse_while_deleting() FROM PUBLIC;
CREATE OR REPLACE TRIGGER refuse_while_deleting BEFORE INSERT ON jobs
    FOR EACH ROW WHEN (NEW.kind IN ('memory', 'code')) EXECUTE FUNCTION refuse_while_deleting();

CREATE OR REPLACE FUNCTION going_deletion(p_deletion uuid) RETURNS deletions
LANGUAGE plpgsql STABLE
SET search_path = public, pg_temp
AS $$
DECLARE
    found deletions;
BEGIN
    SELECT * INTO found FROM deletions WHERE id = p_deletion AND finished_at IS NULL;
    IF found.id IS NULL THEN
        RAISE EXCEPTION 'no deletion % goes on', p_deletion;
    END IF;
    RETURN found;
END
$$;

-- Deletes up to so many rows of each table that says whose they are, those of later migrations too, and returns how
-- many by table; nothing is left when it returns {}.
CREATE OR REPLACE FUNCTION erase_rows(p_deletion uuid, p_limit integer) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    this deletions := going_deletion(p_deletion);
    own text[] := ARRAY[this.workspace_id, "right"(this.workspace_id, 36)];
    erased jsonb := '{}';
    place record;
    n bigint;
BEGIN
    -- After whoever is writing a summary, which has looked whether its memories are still there.
    PERFORM pg_advisory_xact_lock(deletion_lock(this.workspace_id));
    FOR place IN
        SELECT c.relname AS name, bool_or(a.attname = 'id' AND a.atttypid = 'uuid'::regtype) AS has_id,
               CASE this.scope WHEN 'project' THEN 'AND project_name = $2' WHEN 'user' THEN 'AND user_id = $3'
                               ELSE '' END AS which
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          -- Spans come in also of the deletion itself: erase_traces() takes them.
          AND c.relname NOT IN ('api_keys', 'audit_log', 'deletions', 'removed_entities', 'spans', 'traces')
        GROUP BY c.relname
        HAVING bool_or(a.attname = 'workspace_id')
           AND (this.scope <> 'project' OR bool_or(a.attname = 'project_name'))
           AND (this.scope <> 'user' OR bool_or(a.attname = 'user_id'))
        ORDER BY c.relname
    LOOP
        EXECUTE format(
            'WITH gone AS ('
            '    DELETE FROM %1$I WHERE ctid = ANY (ARRAY('
            '        SELECT ctid FROM %1$I WHERE workspace_id = ANY ($1) %2$s LIMIT $4)) '
            '    RETURNING %3$s AS id), '
            'marked AS (INSERT INTO deletion_marks SELECT $5, %1$L, id FROM gone WHERE id IS NOT NULL '
            '           ON CONFLICT DO NOTHING), '
            'noted AS (INSERT INTO removed_entities (id, workspace_id) '
            '          SELECT id::uuid, $6 FROM gone WHERE %4$L ON CONFLICT (id) DO NOTHING) '
            'SELECT count(*) FROM gone',
            place.name, place.which, CASE WHEN place.has_id THEN 'id::text' ELSE 'NULL::text' END,
            place.name IN ('memories', 'code_entities'))
        INTO n USING own, this.project, this.person, p_limit, this.id, this.workspace_id;
        IF n > 0 THEN
            erased := erased || jsonb_build_object(place.name, n);
        END IF;
    END LOOP;
    IF this.scope = 'user' THEN
        -- A summary tells of every memory that it was written from; one that does not say, of anybody's.
        DELETE FROM project_summaries AS s
        WHERE workspace_id = ANY (own) AND (source_ids = '{}' OR EXISTS (
            SELECT FROM unnest(s.source_ids) AS source
            JOIN deletion_marks m ON m.deletion_id = this.id AND m.kind = 'memories' AND m.id = source::text));
        GET DIAGNOSTICS n = ROW_COUNT;
        IF n > 0 THEN
            erased := erased || jsonb_build_object('project_summaries', n);
        END IF;
    END IF;
    IF this.scope <> 'workspace' THEN
        DELETE FROM idempotent_requests AS r
        WHERE workspace_id = ANY (own) AND EXISTS (
            SELECT FROM deletion_marks m
            WHERE m.deletion_id = this.id AND m.kind = 'jobs'
              AND m.id IN (r.answer->>'job_id', r.answer->>'jobId'));
    END IF;
    RETURN erased;
END
$$;

-- Whether a message is about what a deletion is of.
CREATE OR REPLACE FUNCTION is_to_erase(this deletions, message jsonb, headers jsonb) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = public, pg_temp
AS $$
    SELECT NOT coalesce(message ? 'deletion_id', false)
       AND coalesce(message->>'workspace_id', headers->>'group') IN (
            this.workspace_id, "right"(this.workspace_id, 36))
       AND coalesce(
            this.scope = 'workspace'
            OR message->>'user_id' = this.person::text
            OR this.project IN (message->>'project_name', message->'metadata'->>'projectName',
                                message->'metadata'->>'project_name')
            OR EXISTS (
                SELECT FROM deletion_marks m
                WHERE m.deletion_id = this.id AND m.kind IN ('memories', 'code_entities', 'jobs') AND m.id = ANY (
                    ARRAY[message->>'memory_id', message->>'code_entity_id', headers->>'job_id']
                    || CASE jsonb_typeof(message->'memory_ids') WHEN 'array'
                            THEN ARRAY(SELECT jsonb_array_elements_text(message->'memory_ids')) END
                    || CASE jsonb_typeof(message->'code_entity_ids') WHEN 'array'
                            THEN ARRAY(SELECT jsonb_array_elements_text(message->'code_entity_ids')) END)),
            false)
$$;

-- The trace of a message, and those of messages that were merged into it.
CREATE OR REPLACE FUNCTION traces_of(headers jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY[headers->>'traceparent'] || CASE jsonb_typeof(headers->'tracelinks') WHEN 'array'
    THEN ARRAY(SELECT jsonb_array_elements_text(headers->'tracelinks')) END;

-- Looks at the next messages of one table of a queue, deletes those to erase that nobody works on, and returns
-- up to which message it looked, NULL at the end, and how many it deleted.
CREATE OR REPLACE FUNCTION erase_messages(
    p_deletion uuid, p_queue text, p_kind text, p_after bigint, p_limit integer,
    OUT looked_to bigint, OUT erased bigint
) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    this deletions := going_deletion(p_deletion);
BEGIN
    EXECUTE format(
        -- As it was when it was looked at: who takes it meanwhile, keeps it.
        'WITH looked AS (SELECT * FROM pgmq.%1$I WHERE msg_id > $1 ORDER BY msg_id LIMIT $2), '
        'wanted AS (SELECT msg_id, read_ct FROM looked '
        '           WHERE is_to_erase($3, message, headers) AND NOT (%2$s)), '
        'gone AS (DELETE FROM pgmq.%1$I AS q USING wanted '
        '         WHERE q.msg_id = wanted.msg_id AND q.read_ct = wanted.read_ct RETURNING q.headers), '
        'traced AS (INSERT INTO deletion_marks '
        '           SELECT DISTINCT $3.id, ''trace'', split_part(trace, ''-'', 2) '
        '           FROM gone, unnest(traces_of(gone.headers)) AS trace '
        '           WHERE split_part(trace, ''-'', 2) <> '''' ON CONFLICT DO NOTHING) '
        'SELECT (SELECT max(msg_id) FROM looked), (SELECT count(*) FROM gone)',
        pgmq.format_table_name(p_queue, p_kind),
        CASE p_kind WHEN 'q' THEN 'is_worked_on(vt, read_ct, headers)' ELSE 'false' END)
    INTO looked_to, erased USING p_after, p_limit, this;
END
$$;

-- As shared/postgres/queues.py says it: read, and neither failed nor given back since.
CREATE OR REPLACE FUNCTION is_worked_on(vt timestamptz, read_ct integer, headers jsonb) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT vt > now() AND read_ct >
        CASE jsonb_typeof(headers->'attempts') WHEN 'number' THEN (headers->>'attempts')::numeric ELSE 0 END
        + CASE jsonb_typeof(headers->'released') WHEN 'number' THEN (headers->>'released')::numeric ELSE 0 END
$$;

-- Messages of the workspace that somebody works on now, and whether each is to be erased as far as it says itself.
CREATE OR REPLACE FUNCTION messages_worked_on(p_deletion uuid)
RETURNS TABLE (delivery text, is_ours boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    this deletions := going_deletion(p_deletion);
    queue text;
BEGIN
    FOR queue IN SELECT queue_name FROM pgmq.meta WHERE queue_name NOT LIKE '%\_dlq' LOOP
        RETURN QUERY EXECUTE format(
            'SELECT %2$L || ''/'' || msg_id || ''/'' || read_ct, is_to_erase($1, message, headers) FROM pgmq.%1$I '
            'WHERE last_read_at IS NOT NULL AND is_worked_on(vt, read_ct, headers) '
            '  AND NOT coalesce(message ? ''deletion_id'', false) '
            '  AND coalesce(message->>''workspace_id'', headers->>''group'') IN ('
            '       $1.workspace_id, "right"($1.workspace_id, 36))',
            pgmq.format_table_name(queue, 'q'), queue) USING this;
    END LOOP;
END
$$;

-- Deletes the traces of erased messages and jobs, and spans that name the project, the user or the workspace.
-- (Tables and columns of 0020 are meant: the body is read when it runs.)
CREATE OR REPLACE FUNCTION erase_traces(p_deletion uuid) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    this deletions := going_deletion(p_deletion);
    own text[] := ARRAY[this.workspace_id, "right"(this.workspace_id, 36)];
    named text := CASE this.scope WHEN 'project' THEN this.project WHEN 'user' THEN this.person::text
                                 ELSE this.workspace_id END;
    erased bigint;
BEGIN
    DELETE FROM spans AS s
    WHERE EXISTS (SELECT FROM deletion_marks m
                  WHERE m.deletion_id = this.id AND m.kind = 'trace' AND m.id = s.trace_id)
       OR s.trace_id IN (SELECT t.trace_id FROM traces t
                         JOIN deletion_marks m ON m.deletion_id = this.id AND m.kind = 'jobs' AND m.id = t.job_id::text)
       OR (this.scope = 'workspace' AND s.workspace_id = ANY (own))
       OR EXISTS (SELECT FROM jsonb_each_text(s.attributes) AS attribute WHERE attribute.value = named);
    GET DIAGNOSTICS erased = ROW_COUNT;
    DELETE FROM traces AS t
    WHERE workspace_id = ANY (own) AND NOT EXISTS (SELECT FROM spans s WHERE s.trace_id = t.trace_id);
    RETURN erased;
END
$$;

-- Ends a deletion: its marks and tombstones go, the audit log keeps who, when, what and how many, and no names.
CREATE OR REPLACE FUNCTION finish_deletion(p_deletion uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    this deletions := going_deletion(p_deletion);
    own text[] := ARRAY[this.workspace_id, "right"(this.workspace_id, 36)];
    named text := coalesce(this.project, this.person::text);
BEGIN
    DELETE FROM removed_entities
    WHERE workspace_id = ANY (own) AND (this.scope = 'workspace' OR id IN (
        SELECT m.id::uuid FROM deletion_marks m
        WHERE m.deletion_id = this.id AND m.kind IN ('memories', 'code_entities')));
    UPDATE audit_log AS l SET target = '', filter = '{}', reason = ''
    WHERE workspace_id = ANY (own) AND l.target <> this.id::text AND (
        this.scope = 'workspace' OR l.target = named OR strpos(l.reason, named) > 0
        OR EXISTS (SELECT FROM jsonb_path_query(l.filter, 'strict $.**') AS value
                   WHERE value #>> '{}' = named)
        OR EXISTS (SELECT FROM deletion_marks m
                   WHERE m.deletion_id = this.id AND m.kind IN ('memories', 'code_entities', 'jobs')
                     AND m.id = l.target));
    UPDATE operations AS o SET filter = '{}', reason = ''
    WHERE workspace_id = ANY (own) AND (
        strpos(o.reason, named) > 0
        OR EXISTS (SELECT FROM jsonb_path_query(o.filter, 'strict $.**') AS value
                   WHERE value #>> '{}' = named));
    INSERT INTO audit_log (workspace_id, key_id, key_name, user_id, action, target, filter, count)
    VALUES (this.workspace_id, this.key_id, this.key_name, this.requested_by, 'data.deleted', this.id::text,
            this.erased || jsonb_build_object('scope', this.scope),
            (SELECT coalesce(sum(value::bigint), 0) FROM jsonb_each_text(this.erased)));
    DELETE FROM deletion_marks WHERE deletion_id = this.id;
    UPDATE deletions SET finished_at = now(), project = NULL, person = NULL, waits = '{}' WHERE id = this.id;
END
$$;

DO $$
DECLARE
    helper regprocedure;
BEGIN
    FOR helper IN
        SELECT oid::regprocedure FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace
          AND proname IN ('erase_rows', 'erase_messages', 'messages_worked_on', 'erase_traces', 'finish_deletion')
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', helper);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO supastate_worker', helper);
    END LOOP;
END
$$;
