-- What every queue holds now, for a reader. No count goes beyond `most` + 1, which stands for "more":
-- pgmq.metrics() counts whole queues. Null where the caller may not read the queue.
--   ready      may be claimed now; `oldest` is when the one that is next was sent
--   in_flight  a consumer has it, and its lease has not run out
--   delayed    hidden without a consumer: sent with a delay, or waiting for its next attempt
CREATE OR REPLACE FUNCTION faststream_pgmq.overview(most bigint DEFAULT 10000)
RETURNS TABLE (queue text, ready bigint, delayed bigint, in_flight bigint, dead bigint,
               oldest timestamptz, paused_at timestamptz, reason text)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    qtable regclass;
    letters regclass;
BEGIN
    FOR queue, paused_at, reason IN
        SELECT meta.queue_name, state.paused_at, state.reason
        FROM pgmq.meta AS meta
        LEFT JOIN faststream_pgmq.queue_state AS state ON state.queue = lower(meta.queue_name)
        WHERE NOT EXISTS (SELECT FROM pgmq.meta AS parent
                          WHERE lower(meta.queue_name) = lower(parent.queue_name) || '_dlq')
        ORDER BY meta.queue_name
    LOOP
        ready := NULL; delayed := NULL; in_flight := NULL; dead := NULL; oldest := NULL;
        qtable := to_regclass(format('pgmq.%I', pgmq.format_table_name(queue, 'q')));
        letters := to_regclass(format('pgmq.%I', pgmq.format_table_name(queue || '_dlq', 'q')));
        IF has_table_privilege(qtable, 'SELECT') THEN
            EXECUTE format(
                'SELECT (SELECT count(*) FROM (SELECT FROM %1$s WHERE vt <= now() LIMIT $1 + 1) AS few), '
                '(SELECT enqueued_at FROM %1$s WHERE vt <= now() ORDER BY msg_id LIMIT 1)', qtable)
            INTO ready, oldest USING most;
            EXECUTE format(
                'SELECT count(*) FILTER (WHERE last_read_at IS NULL), '
                '       count(*) FILTER (WHERE last_read_at IS NOT NULL) FROM ('
                -- What a consumer gives back, or lets wait for a retry, was read by nobody since.
                '    SELECT last_read_at FROM %1$s WHERE vt > now() LIMIT $1 + 1) AS few', qtable)
            INTO delayed, in_flight USING most;
        END IF;
        IF has_table_privilege(letters, 'SELECT') THEN
            EXECUTE format('SELECT count(*) FROM (SELECT FROM %s LIMIT $1 + 1) AS few', letters)
            INTO dead USING most;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
