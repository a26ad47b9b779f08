-- How far handlers say they are with what they have in hand: a row for each message whose handler runs for
-- longer than a second and reports. Count only rows whose `read_ct` is that of the message: a worker that was
-- killed leaves its rows, until a day has passed.
-- Cost: unlogged, so neither written to the log nor kept over a crash of the server; at most one statement a
-- second of each subscriber. Who consumes: GRANT SELECT, INSERT, UPDATE, DELETE. Undo: DROP TABLE.
CREATE UNLOGGED TABLE IF NOT EXISTS faststream_pgmq.progress (
    queue   text        NOT NULL CHECK (queue = lower(queue)),
    msg_id  bigint      NOT NULL,
    read_ct integer     NOT NULL,
    step    text        NOT NULL,
    done    bigint      NOT NULL,
    total   bigint      NOT NULL,
    told_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (queue, msg_id)
) WITH (fillfactor = 50);
COMMENT ON COLUMN faststream_pgmq.progress.total IS 'of what `done` counts; 0 where the handler does not know';

