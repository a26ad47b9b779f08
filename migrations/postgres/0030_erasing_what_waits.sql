-- A deletion takes nobody else's work out of a queue, and tells of what it could not take yet.
-- Why: who deleted a memory of somebody else took its removal along when their own data were deleted, and the graph kept
-- that memory for good; a message that names a project, about a memory that stands in another one, took its ingestion
-- along. And a message that was in hand whenever a queue was looked at, and waited for its next attempt whenever a pass
-- ended, outlived the deletion and stored its memory again.
-- Cost: functions only; a message that is erased costs one look by primary key. Undo: DROP FUNCTION work_left_of, and
-- erase_idle_messages, and erase_messages of 0023.

-- What others need of a message that is erased, said without who asked for it; NULL where nobody needs it.
-- What is erased of the deletion's own, the deletion takes out of the graph itself.
CREATE OR REPLACE FUNCTION work_left_of(this deletions, message jsonb, headers jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = public, pg_temp
AS $$
DECLARE
    workspace text := coalesce(message->>'workspace_id', headers->>'group');
    own text[] := ARRAY[this.workspace_id, "right"(this.workspace_id, 36)];
    about uuid;
    work jsonb;
BEGIN
    IF this.scope = 'workspace' THEN
        RETURN NULL;
    END IF;
    IF message->>'type' = 'removal' THEN
        SELECT jsonb_build_object(
                   'type', 'removal', 'workspace_id', workspace,
                   'memory_ids', coalesce(jsonb_agg(one) FILTER (WHERE kind = 'memories'), '[]'),
                   'code_entity_ids', coalesce(jsonb_agg(one) FILTER (WHERE kind = 'code_entities'), '[]'))
        INTO work
        FROM (VALUES ('memories', message->'memory_ids'), ('code_entities', message->'code_entity_ids')) AS named (kind, ids),
             jsonb_array_elements_text(CASE jsonb_typeof(ids) WHEN 'array' THEN ids ELSE '[]' END) AS one
        WHERE NOT EXISTS (SELECT FROM deletion_marks m
                          WHERE m.deletion_id = this.id AND m.kind = named.kind AND m.id = lower(one))
        HAVING count(*) > 0;
    ELSIF pg_input_is_valid(message->>'memory_id', 'uuid') THEN
        about := message->>'memory_id';
        -- The row is the truth; who reads the message reads that.
        SELECT jsonb_build_object('type', 'memory', 'user_id', user_id, 'workspace_id', workspace_id,
                                  'memory_id', id, 'content', content, 'metadata', '{}'::jsonb)
        INTO work FROM memories WHERE id = about AND workspace_id = ANY (own);
    ELSIF pg_input_is_valid(message->>'code_entity_id', 'uuid') THEN
        about := message->>'code_entity_id';
        SELECT jsonb_build_object('type', 'code', 'user_id', user_id, 'workspace_id', workspace_id,
                                  'code_entity_id', id, 'metadata', '{}'::jsonb)
        INTO work FROM code_entities WHERE id = about AND workspace_id = ANY (own);
    END IF;
    -- What was stored meanwhile of the deletion's own goes with the next pass.
    RETURN CASE WHEN NOT is_to_erase(this, work, '{}') THEN work END;
END
$$;
REVOKE ALL ON FUNCTION work_left_of(deletions, jsonb, jsonb) FROM PUBLIC;

-- As erase_messages of 0023, but what others need of a message is asked for anew; and returned is also how many are to
-- be erased and were spared, because somebody works on them: those may wait again before anybody looks.
CREATE OR REPLACE FUNCTION erase_idle_messages(
    p_deletion uuid, p_queue text, p_kind text, p_after bigint, p_limit integer,
    OUT looked_to bigint, OUT erased bigint, OUT spared bigint
) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    this deletions := going_deletion(p_deletion);
    work_queue text := regexp_replace(p_queue, '_dlq$', '');
    asked_anew bigint;
BEGIN
    EXECUTE format(
        -- As it was when it was looked at: who takes it meanwhile, keeps it.
        'WITH looked AS (SELECT * FROM pgmq.%1$I WHERE msg_id > $1 ORDER BY msg_id LIMIT $2), '
        'wanted AS (SELECT msg_id, read_ct, %2$s AS is_in_hand FROM looked '
        '           WHERE CASE WHEN coalesce(message->>''workspace_id'', headers->>''group'') = ANY ($4) '
        '                      THEN is_to_erase($3, message, headers) ELSE false END), '
        'gone AS (DELETE FROM pgmq.%1$I AS q USING wanted '
        '         WHERE q.msg_id = wanted.msg_id AND q.read_ct = wanted.read_ct AND NOT wanted.is_in_hand '
        '         RETURNING q.message, q.headers), '
        'traced AS (INSERT INTO deletion_marks '
        '           SELECT DISTINCT $3.id, ''trace'', split_part(trace, ''-'', 2) '
        '           FROM gone, unnest(traces_of(gone.headers)) AS trace '
        '           WHERE split_part(trace, ''-'', 2) <> '''' ON CONFLICT DO NOTHING), '
        'owed AS MATERIALIZED (SELECT work_left_of($3, message, headers) AS work, headers FROM gone WHERE %3$s), '
        'sent AS MATERIALIZED ('
        '    SELECT s.* FROM owed, pgmq.send($5, owed.work, jsonb_build_object('
        '        ''group'', coalesce(owed.headers->>''group'', owed.work->>''workspace_id''))) AS s '
        '    WHERE owed.work IS NOT NULL) '
        'SELECT (SELECT max(msg_id) FROM looked), (SELECT count(*) FROM gone), '
        '       (SELECT count(*) FROM wanted) - (SELECT count(*) FROM gone), (SELECT count(*) FROM sent)',
        pgmq.format_table_name(p_queue, p_kind),
        CASE p_kind WHEN 'q' THEN 'is_worked_on(vt, read_ct, headers)' ELSE 'false' END,
        CASE WHEN p_kind = 'q' THEN 'true'
             -- In an archive work is done, unless it was cancelled or given up; the row of a removal is gone all the same.
             WHEN p_queue <> work_queue THEN 'message->>''type'' = ''removal'''
             ELSE 'headers ? ''cancelled'' AND message->>''type'' = ''removal''' END)
    INTO looked_to, erased, spared, asked_anew
    USING p_after, p_limit, this, ARRAY[this.workspace_id, "right"(this.workspace_id, 36)], work_queue;
END
$$;
REVOKE ALL ON FUNCTION erase_idle_messages(uuid, text, text, bigint, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erase_idle_messages(uuid, text, text, bigint, integer) TO supastate_worker;

-- For a worker of the version before, which goes on until it is stopped.
CREATE OR REPLACE FUNCTION erase_messages(
    p_deletion uuid, p_queue text, p_kind text, p_after bigint, p_limit integer,
    OUT looked_to bigint, OUT erased bigint
) LANGUAGE sql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$ SELECT looked_to, erased FROM erase_idle_messages(p_deletion, p_queue, p_kind, p_after, p_limit) $$;
