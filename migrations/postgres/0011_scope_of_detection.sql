-- A detection request may name a project and a time to look at again.
-- Cost: one function replaced. Undo: drop it, and restore 0009's and its rights.
DROP FUNCTION IF EXISTS queue_pattern_detection_job(uuid, text[], integer, text);

CREATE OR REPLACE FUNCTION queue_pattern_detection_job(
    p_batch_id uuid,
    p_pattern_types text[],
    p_limit integer DEFAULT 100,
    p_workspace_id text DEFAULT NULL,
    p_project_name text DEFAULT NULL,
    p_since timestamptz DEFAULT NULL,
    p_until timestamptz DEFAULT NULL
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    IF p_workspace_id IS NULL THEN
        RAISE EXCEPTION 'p_workspace_id: name the workspace to look at';
    END IF;
    IF p_until <= p_since THEN
        RAISE EXCEPTION 'p_until: must be later than p_since';
    END IF;
    RETURN (
        SELECT msg_id FROM pgmq.send('pattern_detection', jsonb_strip_nulls(jsonb_build_object(
            'batch_id', p_batch_id, 'pattern_types', to_jsonb(coalesce(p_pattern_types, '{}')),
            'limit', coalesce(p_limit, 100), 'workspace_id', p_workspace_id,
            'project_name', p_project_name, 'since', p_since, 'until', p_until)),
            jsonb_build_object('group', p_workspace_id)) AS msg_id
    );
END
$$;

DO $$
DECLARE
    helper regprocedure := 'queue_pattern_detection_job(uuid, text[], integer, text, text, timestamptz, timestamptz)';
    stranger text;
BEGIN
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', helper);
    FOR stranger IN SELECT rolname FROM pg_roles WHERE rolname IN ('anon', 'authenticated') LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM %I', helper, stranger);
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'service_role') THEN
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO service_role', helper);
    END IF;
END
$$;
