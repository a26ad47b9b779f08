-- Deletes a large workspace in short transactions, and tells how far it is.
-- Why: all spans were gone through in one statement, and all marks and tombstones went in one transaction; messages of
-- other workspaces cost a function call each; requests and summaries were looked through after every few thousand rows.
-- Cost: functions only. Undo: the functions of 0019.

-- As in 0019, but what follows from the marks is looked for once, when no rows are left to mark.
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
    IF erased <> '{}' OR this.scope = 'workspace' THEN
        RETURN erased;
    END IF;
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
    DELETE FROM idempotent_requests
    WHERE ctid = ANY (ARRAY(
        SELECT r.ctid FROM idempotent_requests r
        WHERE workspace_id = ANY (own) AND EXISTS (
            SELECT FROM deletion_marks m
            WHERE m.deletion_id = this.id AND m.kind = 'jobs' AND m.id IN (r.answer->>'job_id', r.answer->>'jobId'))
        LIMIT p_limit));
    GET DIAGNOSTICS n = ROW_COUNT;
    IF n > 0 THEN
        erased := erased || jsonb_build_object('idempotent_requests', n);
    END IF;
    RETURN erased;
END
$$;

-- As in 0019, but a message of another workspace costs no call of a function.
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
        '           WHERE CASE WHEN coalesce(message->>''workspace_id'', headers->>''group'') = ANY ($4) '
        '                      THEN is_to_erase($3, message, headers) AND NOT (%2$s) ELSE false END), '
        'gone AS (DELETE FROM pgmq.%1$I AS q USING wanted '
        '         WHERE q.msg_id = wanted.msg_id AND q.read_ct = wanted.read_ct RETURNING q.headers), '
        'traced AS (INSERT INTO deletion_marks '
        '           SELECT DISTINCT $3.id, ''trace'', split_part(trace, ''-'', 2) '
        '           FROM gone, unnest(traces_of(gone.headers)) AS trace '
        '           WHERE split_part(trace, ''-'', 2) <> '''' ON CONFLICT DO NOTHING) '
        'SELECT (SELECT max(msg_id) FROM looked), (SELECT count(*) FROM gone)',
        pgmq.format_table_name(p_queue, p_kind),
        CASE p_kind WHEN 'q' THEN 'is_worked_on(vt, read_ct, headers)' ELSE 'false' END)
    INTO looked_to, erased
    USING p_after, p_limit, this, ARRAY[this.workspace_id, "right"(this.workspace_id, 36)];
END
$$;

-- Looks at the next traces, deletes those of erased messages and jobs, and spans that name the project, the user or the
-- workspace; returns up to which trace it looked, NULL at the end, and how many spans it deleted.
DROP FUNCTION IF EXISTS erase_traces(uuid);
CREATE OR REPLACE FUNCTION erase_traces(
    p_deletion uuid, p_after text, p_limit integer, OUT looked_to text, OUT erased bigint
) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    this deletions := going_deletion(p_deletion);
    own text[] := ARRAY[this.workspace_id, "right"(this.workspace_id, 36)];
    named text := CASE this.scope WHEN 'project' THEN this.project WHEN 'user' THEN this.person::text
                                 ELSE this.workspace_id END;
BEGIN
    SELECT max(trace_id) INTO looked_to
    FROM (SELECT trace_id FROM spans WHERE trace_id > p_after ORDER BY trace_id LIMIT p_limit) AS looked;
    DELETE FROM spans AS s
    WHERE s.trace_id > p_after AND s.trace_id <= looked_to AND (
        (this.scope = 'workspace' AND s.workspace_id = ANY (own))
        OR EXISTS (SELECT FROM deletion_marks m
                   WHERE m.deletion_id = this.id AND m.kind = 'trace' AND m.id = s.trace_id)
        OR EXISTS (SELECT FROM traces t
                   JOIN deletion_marks m ON m.deletion_id = this.id AND m.kind = 'jobs' AND m.id = t.job_id::text
                   WHERE t.trace_id = s.trace_id)
        OR EXISTS (SELECT FROM jsonb_each_text(s.attributes) AS attribute WHERE attribute.value = named));
    GET DIAGNOSTICS erased = ROW_COUNT;
    DELETE FROM traces AS t
    WHERE workspace_id = ANY (own) AND t.trace_id > p_after AND (looked_to IS NULL OR t.trace_id <= looked_to)
      AND NOT EXISTS (SELECT FROM spans s WHERE s.trace_id = t.trace_id);
END
$$;

-- Empties what the audit log and operations say of a deletion's names; call while its marks are there.
CREATE OR REPLACE FUNCTION hide_names(p_deletion uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    this deletions := going_deletion(p_deletion);
    own text[] := ARRAY[this.workspace_id, "right"(this.workspace_id, 36)];
    named text := coalesce(this.project, this.person::text);
BEGIN
    UPDATE audit_log AS l SET target = '', filter = '{}', reason = ''
    WHERE workspace_id = ANY (own) AND l.target <> this.id::text
      AND (l.target <> '' OR l.filter <> '{}' OR l.reason <> '')
      AND (this.scope = 'workspace' OR l.target = named OR strpos(l.reason, named) > 0
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
END
$$;

-- Takes away up to so many marks with their tombstones, and returns how many; call when nothing needs them any more.
CREATE OR REPLACE FUNCTION forget_marks(p_deletion uuid, p_limit integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    this deletions := going_deletion(p_deletion);
    forgotten bigint;
BEGIN
    WITH gone AS (
        DELETE FROM deletion_marks
        WHERE ctid = ANY (ARRAY(SELECT ctid FROM deletion_marks WHERE deletion_id = this.id LIMIT p_limit))
        RETURNING kind, id
    ), noted AS (
        DELETE FROM removed_entities
        WHERE id IN (SELECT id::uuid FROM gone WHERE kind IN ('memories', 'code_entities'))
          AND workspace_id IN (this.workspace_id, "right"(this.workspace_id, 36))
    )
    SELECT count(*) INTO forgotten FROM gone;
    RETURN forgotten;
END
$$;

-- Ends a deletion: the audit log keeps who, when, what and how many, and no names.
CREATE OR REPLACE FUNCTION finish_deletion(p_deletion uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    this deletions := going_deletion(p_deletion);
BEGIN
    PERFORM hide_names(p_deletion);
    WHILE forget_marks(p_deletion, 10000) > 0 LOOP
    END LOOP;
    DELETE FROM removed_entities  -- of what was removed one by one before
    WHERE this.scope = 'workspace' AND workspace_id IN (this.workspace_id, "right"(this.workspace_id, 36));
    INSERT INTO audit_log (workspace_id, key_id, key_name, user_id, action, target, filter, count)
    VALUES (this.workspace_id, this.key_id, this.key_name, this.requested_by, 'data.deleted', this.id::text,
            this.erased || jsonb_build_object('scope', this.scope),
            (SELECT coalesce(sum(value::bigint), 0) FROM jsonb_each_text(this.erased)));
    UPDATE deletions SET finished_at = now(), project = NULL, person = NULL, waits = '{}' WHERE id = this.id;
END
$$;

DO $$
DECLARE
    helper regprocedure;
BEGIN
    FOR helper IN
        SELECT oid::regprocedure FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND proname IN ('erase_traces', 'hide_names', 'forget_marks')
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', helper);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO supastate_worker', helper);
    END LOOP;
END
$$;
