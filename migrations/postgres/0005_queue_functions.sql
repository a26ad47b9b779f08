-- What SQL, PostgREST and Supabase clients call to send work and to look at queues.
-- Why: the old system's clients speak these names. Each keeps the truth and the message together.
-- Cost: functions only. Undo: DROP FUNCTION.
-- The functions run with their owner's rights and a fixed search_path, so that a role which may call
-- them needs no right on a queue or a table.

-- A timestamp as clients write it, or NULL: one odd date must not refuse a memory.
CREATE OR REPLACE FUNCTION as_timestamp(value text) RETURNS timestamptz
LANGUAGE plpgsql STABLE
SET search_path = public, pg_temp
AS $$
DECLARE
    moment timestamptz;
BEGIN
    moment := value::timestamptz;
    -- What lies outside is a number read as a date, or no moment at all ("infinity").
    RETURN CASE WHEN moment BETWEEN '1970-01-01Z' AND '2200-01-01Z' THEN moment END;
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END
$$;

-- Stores or replaces one memory and returns its id; fields of its own stand in the metadata of old
-- messages. A memory keeps its chunk, and a chunk that is stored under another id keeps that id.
CREATE OR REPLACE FUNCTION store_memory(
    p_memory_id uuid,
    p_user_id uuid,
    p_content text,
    p_workspace_id text,
    p_metadata jsonb
) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    chunk text;
    owner text;
    stored uuid;
BEGIN
    SELECT chunk_id, workspace_id INTO chunk, owner FROM memories WHERE id = p_memory_id;
    IF owner <> p_workspace_id THEN
        RAISE EXCEPTION 'p_memory_id: memory % belongs to another workspace', p_memory_id;
    END IF;
    INSERT INTO memories AS m (
        id, workspace_id, user_id, chunk_id, session_id, project_name, type, content, metadata,
        content_hash, occurred_at)
    VALUES (
        p_memory_id, p_workspace_id, p_user_id,
        coalesce(chunk, p_metadata->>'chunkId', p_metadata->>'chunk_id', p_memory_id::text),
        coalesce(p_metadata->>'sessionId', p_metadata->>'session_id'),
        coalesce(p_metadata->>'projectName', p_metadata->>'project_name'),
        coalesce(p_metadata->>'type', 'conversation'),
        p_content, p_metadata,
        sha256(convert_to(p_content || chr(10) || p_metadata::text, 'UTF8')),
        coalesce(as_timestamp(p_metadata->>'startTime'), as_timestamp(p_metadata->>'timestamp'), now()))
    ON CONFLICT (workspace_id, chunk_id) DO UPDATE SET
        content = excluded.content,
        metadata = excluded.metadata,
        session_id = coalesce(excluded.session_id, m.session_id),
        project_name = coalesce(excluded.project_name, m.project_name),
        content_hash = excluded.content_hash,
        occurred_at = excluded.occurred_at,
        updated_at = greatest(clock_timestamp(), m.updated_at + interval '1 microsecond')
    RETURNING m.id INTO stored;
    RETURN stored;
END
$$;

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
            'memory_id', stored, 'content', p_content, 'metadata', details)) AS msg_id
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
        'code_entity_id', p_code_entity_id, 'metadata', coalesce(p_metadata, '{}'))) AS msg_id
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
            'limit', coalesce(p_limit, 100), 'workspace_id', p_workspace_id)) AS msg_id
    );
END
$$;

CREATE OR REPLACE FUNCTION pgmq_send(queue_name text, msg jsonb, delay integer DEFAULT 0)
RETURNS SETOF bigint LANGUAGE sql SECURITY DEFINER SET search_path = pgmq, pg_temp
AS $$ SELECT * FROM pgmq.send(queue_name, msg, delay) $$;

CREATE OR REPLACE FUNCTION pgmq_read(queue_name text, vt integer DEFAULT 30, qty integer DEFAULT 1)
RETURNS SETOF pgmq.message_record LANGUAGE sql SECURITY DEFINER SET search_path = pgmq, pg_temp
AS $$ SELECT * FROM pgmq.read(queue_name, vt, qty) $$;

CREATE OR REPLACE FUNCTION pgmq_delete(queue_name text, msg_id bigint)
RETURNS boolean LANGUAGE sql SECURITY DEFINER SET search_path = pgmq, pg_temp
AS $$ SELECT pgmq.delete(queue_name, msg_id) $$;

CREATE OR REPLACE FUNCTION pgmq_archive(queue_name text, msg_id bigint)
RETURNS boolean LANGUAGE sql SECURITY DEFINER SET search_path = pgmq, pg_temp
AS $$ SELECT pgmq.archive(queue_name, msg_id) $$;

CREATE OR REPLACE FUNCTION pgmq_metrics(queue_name text)
RETURNS SETOF pgmq.metrics_result LANGUAGE sql SECURITY DEFINER SET search_path = pgmq, pg_temp
AS $$ SELECT * FROM pgmq.metrics(queue_name) $$;

-- PostgREST publishes functions in `public` to everybody unless told otherwise, and Supabase grants them
-- to its two public roles by name: only servers may queue.
DO $$
DECLARE
    helper regprocedure;
    stranger text;
BEGIN
    FOR helper IN
        SELECT oid::regprocedure FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace
          AND proname IN ('queue_memory_ingestion_job', 'queue_code_ingestion_job',
                          'queue_pattern_detection_job', 'store_memory', 'pgmq_send', 'pgmq_read',
                          'pgmq_delete', 'pgmq_archive', 'pgmq_metrics')
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
