-- Answers to requests, on their way to who waits for them. An address is `inbox/number`: each process
-- that asks has an inbox of its own, which is only a channel it listens on, so that no queue is left
-- behind by one that died. Unlogged: nobody waits for an answer over a crash of the server.
-- Cost: one row for each answer until its requester takes it, and a NOTIFY with each.
CREATE UNLOGGED TABLE IF NOT EXISTS faststream_pgmq.reply (
    reply_id bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    inbox    text        NOT NULL,
    address  text        NOT NULL,
    message  jsonb,
    headers  jsonb       NOT NULL DEFAULT '{}',
    sent_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX IF NOT EXISTS reply_inbox ON faststream_pgmq.reply (inbox);
CREATE INDEX IF NOT EXISTS reply_sent_at ON faststream_pgmq.reply (sent_at);
-- Opened to nobody. Roles that answer or ask: GRANT SELECT, INSERT, DELETE ON this table.

-- Answers a request; `address` is its header `reply_to`. Good for handlers in any language.
-- What nobody took within an hour, because its requester died, is removed on the way.
CREATE OR REPLACE FUNCTION faststream_pgmq.send_reply(address text, message jsonb, headers jsonb DEFAULT '{}')
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO faststream_pgmq.reply (inbox, address, message, headers)
    VALUES (split_part(send_reply.address, '/', 1), send_reply.address, send_reply.message,
            coalesce(send_reply.headers, '{}'));
    PERFORM pg_catalog.pg_notify(split_part(send_reply.address, '/', 1), '');
    DELETE FROM faststream_pgmq.reply WHERE reply_id = ANY (ARRAY(
        SELECT reply_id FROM faststream_pgmq.reply
        WHERE sent_at < clock_timestamp() - interval '1 hour'
        LIMIT 10 FOR UPDATE SKIP LOCKED));
END
$$;
