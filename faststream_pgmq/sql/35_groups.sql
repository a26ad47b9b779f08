-- A message's group as the indexes hold it, by its header `group`; without one it is in the group ''.
-- Cut, because an index entry has a limit and a sender's header has none.
CREATE OR REPLACE FUNCTION faststream_pgmq.group_of(headers jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN "left"(coalesce(headers->>'group', ''), 200);

-- Gives a queue the indexes that reading by groups needs: 'fair' for in turn and for at most so many of a
-- group at a time, 'ordered' for one after the other. Safe to repeat, also for the other one later; rather
-- fails than waits for open senders for long.
CREATE OR REPLACE FUNCTION faststream_pgmq.add_groups(queue text, groups text) RETURNS void
LANGUAGE plpgsql
SET lock_timeout = '1s'
AS $$
DECLARE
    qtable text := pgmq.format_table_name(queue, 'q');
    -- Expressions, so that the planner cannot take another index of the queue for them: reading that one
    -- until a message of a rare group turns up looks cheap to it, and is not.
    index_by text := CASE groups WHEN 'fair' THEN 'timezone(''UTC'', vt)' WHEN 'ordered' THEN 'msg_id + 0' END;
BEGIN
    IF index_by IS NULL THEN
        RAISE EXCEPTION 'groups is %, neither ''fair'' nor ''ordered''', quote_literal(groups);
    END IF;
    IF to_regclass(format('pgmq.%I', qtable || '_' || groups)) IS NULL THEN
        EXECUTE format('CREATE INDEX %I ON pgmq.%I ((faststream_pgmq.group_of(headers) COLLATE "C"), (%s))',
                       qtable || '_' || groups, qtable, index_by);
    END IF;
    -- What somebody has in hand: few rows, however long the queue is.
    IF to_regclass(format('pgmq.%I', qtable || '_in_hand')) IS NULL THEN
        EXECUTE format('CREATE INDEX %I ON pgmq.%I ((faststream_pgmq.group_of(headers) COLLATE "C"), (timezone(''UTC'', vt))) '
                       'WHERE last_read_at IS NOT NULL', qtable || '_in_hand', qtable);
    END IF;
END
$$;
