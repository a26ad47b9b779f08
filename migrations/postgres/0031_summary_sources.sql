-- A summary says by a digest which versions of which memories it was written from, and a removal asks for a new one.
-- Why: by times and counts, a change that committed while a summary was being read was taken for one that it tells of;
-- and what was removed stayed told until its project's next memory.
-- Cost: a column without a value, functions; a request for each summary that tells of what is gone, for which each of
-- its sources is looked up by id.
-- Undo: the function of 0010; DROP FUNCTION request_summaries(text, text[]); REVOKE DELETE ON project_summaries FROM
-- supastate_worker; ALTER TABLE project_summaries DROP COLUMN sources_digest.
ALTER TABLE project_summaries ADD COLUMN IF NOT EXISTS sources_digest bytea;
COMMENT ON COLUMN project_summaries.sources_digest IS
    'of the ids and updated_at of the memories it was written from; NULL: not known, and so out of date';

-- A project of which nothing is left loses its summary.
GRANT DELETE ON project_summaries TO supastate_worker;

-- Asks for the summaries of projects in the words of the ingest service: at most one request of each waits. Whoever
-- takes it waits for the caller's transaction, as the row stays locked until then. In one order with all who ask.
CREATE OR REPLACE FUNCTION request_summaries(p_workspace_id text, p_projects text[]) RETURNS void
LANGUAGE sql
SET search_path = public, pg_temp
AS $$
    INSERT INTO pgmq.q_summary_generation AS waiting (vt, message, headers)
    SELECT clock_timestamp(),
           jsonb_build_object('workspace_id', p_workspace_id, 'project_name', project,
                              'reason', 'memories were removed'),
           jsonb_build_object('group', p_workspace_id,
                              'dedup_key', format('summary:%s:%s', p_workspace_id, project))
    FROM (SELECT DISTINCT unnest(p_projects) AS project) AS asked
    WHERE length(project) BETWEEN 1 AND 255
    ORDER BY project COLLATE "C"
    ON CONFLICT ((headers->>'dedup_key')) WHERE read_ct = 0 AND headers ? 'dedup_key' DO UPDATE SET
        vt = least(waiting.vt, excluded.vt),
        headers = faststream_pgmq.merge_headers(waiting.headers, excluded.headers)
$$;

-- As in 0010, and what is removed is not told any longer.
CREATE OR REPLACE FUNCTION remove_memories(p_workspace_id text, p_chunk_ids text[]) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    gone uuid[];
    projects text[];
BEGIN
    PERFORM FROM memories WHERE workspace_id = p_workspace_id AND chunk_id = ANY (p_chunk_ids)
    ORDER BY chunk_id FOR UPDATE;
    WITH deleted AS (
        DELETE FROM memories WHERE workspace_id = p_workspace_id AND chunk_id = ANY (p_chunk_ids)
        RETURNING id, project_name
    )
    SELECT coalesce(array_agg(id), '{}'), array_agg(DISTINCT project_name) INTO gone, projects FROM deleted;
    INSERT INTO removed_entities (id, workspace_id) SELECT id, p_workspace_id FROM unnest(gone) AS id
    ON CONFLICT (id) DO UPDATE SET removed_at = excluded.removed_at;
    PERFORM request_summaries(p_workspace_id, projects);
    RETURN QUERY SELECT unnest(gone);
END
$$;

DO $$
DECLARE
    stranger text;
BEGIN
    REVOKE ALL ON FUNCTION request_summaries(text, text[]) FROM PUBLIC;
    FOR stranger IN SELECT rolname FROM pg_roles WHERE rolname IN ('anon', 'authenticated') LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION request_summaries(text, text[]) FROM %I', stranger);
    END LOOP;
END
$$;

-- What was removed before, and is still told.
SELECT request_summaries(workspace_id, array_agg(project_name))
FROM project_summaries AS s
WHERE EXISTS (SELECT FROM unnest(s.source_ids) AS source
              WHERE NOT EXISTS (SELECT FROM memories AS m WHERE m.id = source))
GROUP BY workspace_id;
