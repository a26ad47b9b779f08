-- Deleting memories and source files. The row goes at once, and a message takes it out of the graph.
-- What was removed is noted by its id: a message about it that is still on its way must not store it again.
-- Cost: a new, empty table. Undo: DROP the functions and the table.
CREATE TABLE IF NOT EXISTS removed_entities (
    id           uuid        PRIMARY KEY,
    workspace_id text        NOT NULL,
    removed_at   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE removed_entities IS
    'Ids of memories and files that were deleted; a row that is stored again under its id counts, not this note';
REVOKE ALL ON removed_entities FROM PUBLIC;
ALTER TABLE removed_entities ENABLE ROW LEVEL SECURITY;

-- Both return the ids of what was removed. Rows are locked in the order in which they are written: a request
-- that stores some of them meanwhile waits, instead of ending in a deadlock.
CREATE OR REPLACE FUNCTION remove_memories(p_workspace_id text, p_chunk_ids text[]) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    gone uuid[];
BEGIN
    PERFORM FROM memories WHERE workspace_id = p_workspace_id AND chunk_id = ANY (p_chunk_ids)
    ORDER BY chunk_id FOR UPDATE;
    WITH deleted AS (
        DELETE FROM memories WHERE workspace_id = p_workspace_id AND chunk_id = ANY (p_chunk_ids)
        RETURNING id
    )
    SELECT coalesce(array_agg(id), '{}') INTO gone FROM deleted;
    INSERT INTO removed_entities (id, workspace_id) SELECT id, p_workspace_id FROM unnest(gone) AS id
    ON CONFLICT (id) DO UPDATE SET removed_at = excluded.removed_at;
    RETURN QUERY SELECT unnest(gone);
END
$$;

CREATE OR REPLACE FUNCTION remove_code_entities(
    p_workspace_id text, p_project_name text, p_paths text[]
) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    gone uuid[];
BEGIN
    PERFORM FROM code_entities
    WHERE workspace_id = p_workspace_id AND project_name = p_project_name AND path = ANY (p_paths)
    ORDER BY path FOR UPDATE;
    WITH deleted AS (
        DELETE FROM code_entities
        WHERE workspace_id = p_workspace_id AND project_name = p_project_name AND path = ANY (p_paths)
        RETURNING id
    )
    SELECT coalesce(array_agg(id), '{}') INTO gone FROM deleted;
    INSERT INTO removed_entities (id, workspace_id) SELECT id, p_workspace_id FROM unnest(gone) AS id
    ON CONFLICT (id) DO UPDATE SET removed_at = excluded.removed_at;
    RETURN QUERY SELECT unnest(gone);
END
$$;

-- For SQL and PostgREST: remove memories by their chunk ids, and have the graph follow. Returns how many.
CREATE OR REPLACE FUNCTION queue_memory_removal_job(p_chunk_ids text[], p_workspace_id text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    gone uuid[] := ARRAY(SELECT remove_memories(p_workspace_id, p_chunk_ids));
    batch integer;
BEGIN
    -- A message takes at most 1,000.
    FOR batch IN 0 .. (cardinality(gone) - 1) / 1000 LOOP
        CONTINUE WHEN cardinality(gone) = 0;
        PERFORM pgmq.send('memory_ingestion', jsonb_build_object(
            'type', 'removal', 'workspace_id', p_workspace_id,
            'memory_ids', to_jsonb(gone[batch * 1000 + 1 : batch * 1000 + 1000])),
            jsonb_build_object('group', p_workspace_id));
    END LOOP;
    RETURN cardinality(gone);
END
$$;

DO $$
DECLARE
    helper regprocedure;
    stranger text;
BEGIN
    FOR helper IN
        SELECT oid::regprocedure FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace
          AND proname IN ('remove_memories', 'remove_code_entities', 'queue_memory_removal_job')
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', helper);
        FOR stranger IN SELECT rolname FROM pg_roles WHERE rolname IN ('anon', 'authenticated') LOOP
            EXECUTE format('REVOKE ALL ON FUNCTION %s FROM %I', helper, stranger);
        END LOOP;
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'service_role') THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO service_role', helper);
        END IF;
    END LOOP;
END
$$;
