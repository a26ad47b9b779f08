-- Cancelling a job: what waits, is delayed or is to be retried goes into its queue's archive, marked `cancelled`.
-- What a worker has in hand is finished; it is marked `cancel_requested`, and instead of going back to the queue it goes
-- into the archive too. A job's state stays derived: from queue, archive (with its marks) and dead letters.
-- Why: the API may look at a queue and send to it, not take from it; this function takes only what its caller's job owns.
-- Cost: two functions, and on each queue a trigger whose condition is looked at for each row that is updated (none is
-- called for what nobody cancelled); one look at each archive, for an index that begins empty. Undo: DROP TRIGGER archive_cancelled ON …; DROP FUNCTION cancel_job, archive_cancelled.

-- Times are numbers and not texts here: anybody may write headers, and a wrong one must not stop a worker.
CREATE OR REPLACE FUNCTION archive_cancelled() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
    archive text := 'a_' || substr(TG_TABLE_NAME, 3);
BEGIN
    IF jsonb_typeof(NEW.headers->'cancel_requested') IS DISTINCT FROM 'number'
       -- A dead letter that was sent again since is new work.
       OR (NEW.headers->>'cancel_requested')::numeric < extract(epoch FROM NEW.enqueued_at) THEN
        RETURN NULL;
    END IF;
    EXECUTE format(
        'WITH gone AS (DELETE FROM pgmq.%I WHERE msg_id = $1 RETURNING *) '
        'INSERT INTO pgmq.%I (msg_id, read_ct, enqueued_at, last_read_at, vt, message, headers) '
        'SELECT msg_id, read_ct, enqueued_at, last_read_at, vt, message, '
        '       headers || jsonb_build_object(''cancelled'', extract(epoch FROM clock_timestamp())) FROM gone',
        TG_TABLE_NAME, archive)
    USING NEW.msg_id;
    RETURN NULL;
END
$$;

-- Returns how many messages were taken out and how many are still in hand; no row where the caller has no such job.
-- Safe to repeat.
CREATE OR REPLACE FUNCTION cancel_job(p_job_id uuid, OUT cancelled bigint, OUT running bigint) RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    queue text;
    taken bigint;
    left_over bigint;
    moment CONSTANT numeric := extract(epoch FROM clock_timestamp());
BEGIN
    PERFORM FROM jobs WHERE id = p_job_id AND workspace_id = ANY (own_workspaces());
    IF NOT FOUND THEN
        RETURN;
    END IF;
    cancelled := 0;
    running := 0;
    FOREACH queue IN ARRAY ARRAY['memory_ingestion', 'pattern_detection', 'summary_generation'] LOOP
        -- Skipped: what a worker claims or ends at this moment; it is in hand, or gone.
        EXECUTE format(
            'WITH free AS ( '
            '    SELECT msg_id FROM pgmq.%1$I '
            '    WHERE headers->>''job_id'' = $1 AND (vt <= now() OR last_read_at IS NULL) '
            '    ORDER BY msg_id FOR UPDATE SKIP LOCKED '
            '), gone AS (DELETE FROM pgmq.%1$I WHERE msg_id = ANY (ARRAY(SELECT msg_id FROM free)) RETURNING *), '
            'kept AS ( '
            '    INSERT INTO pgmq.%2$I (msg_id, read_ct, enqueued_at, last_read_at, vt, message, headers) '
            '    SELECT msg_id, read_ct, enqueued_at, last_read_at, vt, message, '
            '           headers || jsonb_build_object(''cancelled'', $2) FROM gone '
            ') SELECT count(*) FROM gone', 'q_' || queue, 'a_' || queue)
        INTO taken USING p_job_id::text, moment;
        EXECUTE format(
            'UPDATE pgmq.%1$I SET headers = headers || jsonb_build_object(''cancel_requested'', $2) '
            'WHERE msg_id = ANY (ARRAY( '
            '    SELECT msg_id FROM pgmq.%1$I '
            '    WHERE headers->>''job_id'' = $1 AND last_read_at IS NOT NULL ORDER BY msg_id FOR UPDATE SKIP LOCKED))',
            'q_' || queue)
        USING p_job_id::text, moment;
        EXECUTE format('SELECT count(*) FROM pgmq.%I WHERE headers->>''job_id'' = $1', 'q_' || queue)
        INTO left_over USING p_job_id::text;
        cancelled := cancelled + taken;
        running := running + left_over;
    END LOOP;
    PERFORM pg_notify('supastate_live', 'jobs');
    RETURN NEXT;
END
$$;

DO $$
DECLARE
    queue text;
    stranger text;
BEGIN
    FOREACH queue IN ARRAY ARRAY['memory_ingestion', 'pattern_detection', 'summary_generation'] LOOP
        EXECUTE format(
            'CREATE OR REPLACE TRIGGER archive_cancelled AFTER UPDATE ON pgmq.%I FOR EACH ROW '
            'WHEN (NEW.last_read_at IS NULL AND NEW.headers ? ''cancel_requested'') '
            'EXECUTE FUNCTION archive_cancelled()', 'q_' || queue);
        -- Few rows of a large table: a list of cancelled jobs must not read all that succeeded.
        EXECUTE format(
            'CREATE INDEX IF NOT EXISTS %I ON pgmq.%I ((headers->>''job_id'')) WHERE headers ? ''cancelled''',
            'a_' || queue || '_cancelled', 'a_' || queue);
    END LOOP;
    REVOKE ALL ON FUNCTION cancel_job(uuid), archive_cancelled() FROM PUBLIC;
    FOR stranger IN SELECT rolname FROM pg_roles WHERE rolname IN ('anon', 'authenticated') LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION cancel_job(uuid), archive_cancelled() FROM %I', stranger);
    END LOOP;
    GRANT EXECUTE ON FUNCTION cancel_job(uuid) TO supastate_api;
END
$$;
