-- Queues that nobody may claim from. A row here is the pause: each claim looks for it.
-- Cost: one look at an index of a table of a few rows, in each claim.
CREATE TABLE IF NOT EXISTS faststream_pgmq.queue_state (
    queue     text        PRIMARY KEY CHECK (queue = lower(queue)),
    reason    text        NOT NULL DEFAULT '',
    paused_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    paused_by text        NOT NULL DEFAULT current_user
);
-- Every consumer must see it. Who may pause: GRANT INSERT, UPDATE, DELETE ON this table.
GRANT SELECT ON faststream_pgmq.queue_state TO PUBLIC;

-- Tells every consumer of the queue, not only one that sleeps by the bell: those that are busy give
-- back what they have not begun, and those that wait for the end of the pause hold no lock.
CREATE OR REPLACE FUNCTION faststream_pgmq.tell_consumers() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        PERFORM pg_catalog.pg_notify('pgmq_bell.' || OLD.queue, 'resume');
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        PERFORM pg_catalog.pg_notify('pgmq_bell.' || NEW.queue, 'pause');
    END IF;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER faststream_pgmq_tell_consumers
    AFTER INSERT OR DELETE OR UPDATE OF queue ON faststream_pgmq.queue_state
    FOR EACH ROW EXECUTE FUNCTION faststream_pgmq.tell_consumers();

-- Stops all consumers of a queue from claiming, once this commits. Messages can still be sent, and
-- handlers that run may finish. Returns whether it was not paused before; a new reason replaces the old.
CREATE OR REPLACE FUNCTION faststream_pgmq.pause(queue text, reason text DEFAULT '') RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
    is_new boolean;
BEGIN
    IF to_regclass(format('pgmq.%I', pgmq.format_table_name(pause.queue, 'q'))) IS NULL THEN
        RAISE EXCEPTION 'there is no queue %', quote_literal(pause.queue)
            USING ERRCODE = 'undefined_table',
                  HINT = 'SELECT queue_name FROM pgmq.list_queues() lists those that exist.';
    END IF;
    INSERT INTO faststream_pgmq.queue_state AS state (queue, reason)
    VALUES (lower(pause.queue), coalesce(pause.reason, ''))
    ON CONFLICT ON CONSTRAINT queue_state_pkey
        DO UPDATE SET reason = excluded.reason, paused_by = excluded.paused_by
    RETURNING state.xmax = 0 INTO is_new;
    RETURN is_new;
END
$$;

-- Lets consumers claim again, and wakes them all. Returns whether it was paused.
CREATE OR REPLACE FUNCTION faststream_pgmq.resume(queue text) RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    DELETE FROM faststream_pgmq.queue_state AS state WHERE state.queue = lower(resume.queue);
    RETURN FOUND;
END
$$;

-- The queues that are paused for all consumers, longest first.
CREATE OR REPLACE FUNCTION faststream_pgmq.paused_queues()
RETURNS TABLE (queue text, reason text, paused_at timestamptz, paused_by text)
LANGUAGE sql STABLE
AS $$
    SELECT state.queue, state.reason, state.paused_at, state.paused_by
    FROM faststream_pgmq.queue_state AS state ORDER BY state.paused_at
$$;
