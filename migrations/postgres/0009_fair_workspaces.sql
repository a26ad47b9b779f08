-- The queues are read in turn of the workspaces: one that imports 100,000 memories must not delay another's
-- first. A message says its workspace in the header `group`, which clients of the functions below do not
-- know; so the functions say it for them.
-- Creating them again brings what the broker's queues have learnt since: a cheaper trigger, settings of the
-- archive. Cost: two indexes on each queue, built while senders wait. Undo: drop them, and restore 0005's functions.
SELECT faststream_pgmq.create_queue(name)
FROM unnest(ARRAY['memory_ingestion', 'pattern_detection', 'summary_generation']) AS name;
SELECT faststream_pgmq.add_groups(name, 'fair')
FROM unnest(ARRAY['memory_ingestion', 'pattern_detection', 'summary_generation']) AS name;

CREATE OR REPLACE FUNCTION queue_memory_ingestion_job(
    p_memory_id uuid,
    p_user_id uuid,
    p_content text,
    p_workspace_id text,
    p_metadata jsonb DEFAULT '{}'
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    details jsonb := coalesce(p_metadata, '{}');
    stored uuid := store_memory(p_memory_id, p_user_id, p_content, p_workspace_id, coalesce(p_metadata, '{}'));
BEGIN
    RETURN (
        SELECT msg_id FROM pgmq.send('memory_ingestion', jsonb_build_object(
            'type', 'memory', 'user_id', p_user_id, 'workspace_id', p_workspace_id,
            'memory_id', stored, 'content', p_content, 'metadata', details),
            jsonb_build_object('group', p_workspace_id)) AS msg_id
    );
END
$$;

CREATE OR REPLACE FUNCTION queue_code_ingestion_job(
    p_code_entity_id uuid,
    p_user_id uuid,
    p_workspace_id text,
    p_metadata jsonb DEFAULT '{}'
) RETURNS bigint
LANGUAGE sql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
    SELECT msg_id FROM pgmq.send('memory_ingestion', jsonb_build_object(
        'type', 'code', 'user_id', p_user_id, 'workspace_id', p_workspace_id,
        'code_entity_id', p_code_entity_id, 'metadata', coalesce(p_metadata, '{}')),
        jsonb_build_object('group', p_workspace_id)) AS msg_id
$$;

CREATE OR REPLACE FUNCTION queue_pattern_detection_job(
    p_batch_id uuid,
    p_pattern_types text[],
    p_limit integer DEFAULT 100,
    p_workspace_id text DEFAULT NULL
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    IF p_workspace_id IS NULL THEN
        RAISE EXCEPTION 'p_workspace_id: name the workspace to look at';
    END IF;
    RETURN (
        SELECT msg_id FROM pgmq.send('pattern_detection', jsonb_build_object(
            'batch_id', p_batch_id, 'pattern_types', to_jsonb(coalesce(p_pattern_types, '{}')),
            'limit', coalesce(p_limit, 100), 'workspace_id', p_workspace_id),
            jsonb_build_object('group', p_workspace_id)) AS msg_id
    );
END
$$;
