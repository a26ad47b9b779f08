-- Figures of the queues over time. One process of the API samples them every few seconds; whoever looks at them
-- reads only these tables, however long a queue or its archive is.
-- Why: counting a queue or its archive at each look kills the page, and the queue with it.
-- Cost: three small tables. `queue_minutes` holds at most 14 days of minutes (20,160 rows a queue). Nothing on the
-- queues' own tables changes. Undo: DROP TABLE queue_minutes, queue_marks, queue_samples;
-- DROP AGGREGATE sum_histograms(integer[]); DROP FUNCTION add_histograms, count_buckets, pause_queue, resume_queue, queue_obstacle.
CREATE TABLE IF NOT EXISTS queue_samples (
    queue         text        PRIMARY KEY,
    sampled_at    timestamptz NOT NULL,
    sampled_by    uuid        NOT NULL,
    waiting       integer     NOT NULL,
    delayed       integer     NOT NULL,
    running       integer     NOT NULL,
    retrying      integer     NOT NULL,
    dead          integer     NOT NULL,
    due_since     timestamptz,
    last_done_at  timestamptz,
    consumers     integer     NOT NULL,
    idle          integer     NOT NULL,
    doorbell      boolean     NOT NULL,
    dead_tuples   bigint,
    last_vacuum   timestamptz,
    table_bytes   bigint,
    index_bytes   bigint,
    archive_bytes bigint,
    snapshot_holder       text,
    snapshot_seconds      double precision,
    snapshot_transactions integer
) WITH (fillfactor = 50);
COMMENT ON TABLE queue_samples IS 'Each queue as it was last seen; counts stop at 10,001';
COMMENT ON COLUMN queue_samples.sampled_by IS 'the process that samples, until it stops doing so';
COMMENT ON COLUMN queue_samples.due_since IS 'since when the message that waits longest could have been read';
COMMENT ON COLUMN queue_samples.consumers IS 'listener connections of subscribers; idle ones sleep until they are rung';
COMMENT ON COLUMN queue_samples.snapshot_seconds IS 'age of the transaction that keeps dead rows from being removed';

CREATE TABLE IF NOT EXISTS queue_minutes (
    queue          text             NOT NULL,
    minute         timestamptz      NOT NULL,
    waiting        integer,
    running        integer,
    dead           integer,
    oldest_seconds double precision,
    consumers      integer,
    arrived        integer          NOT NULL DEFAULT 0,
    done           integer          NOT NULL DEFAULT 0,
    failed         integer          NOT NULL DEFAULT 0,
    wait           integer[],
    run            integer[],
    PRIMARY KEY (queue, minute)
);
-- Retention looks by time alone.
CREATE INDEX IF NOT EXISTS queue_minutes_by_time ON queue_minutes (minute);
COMMENT ON TABLE queue_minutes IS 'One row a queue and minute; rows of any time add up';
COMMENT ON COLUMN queue_minutes.waiting IS 'the most that was seen in this minute, as are running and oldest_seconds';
COMMENT ON COLUMN queue_minutes.failed IS 'became dead letters';
COMMENT ON COLUMN queue_minutes.wait IS
    'from sending to the first read: counts by the bounds of shared/domain/histograms.py; retries are left out';
COMMENT ON COLUMN queue_minutes.run IS 'from the last read to the archive, by the same bounds';

CREATE TABLE IF NOT EXISTS queue_marks (
    queue         text        PRIMARY KEY,
    done_until    timestamptz NOT NULL,
    number        bigint      NOT NULL,
    dead_number   bigint      NOT NULL,
    fence_at          timestamptz NOT NULL,
    fence_xid         xid8        NOT NULL,
    fence_number      bigint      NOT NULL,
    fence_dead_number bigint      NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE queue_marks IS
    'How far each queue is counted, and up to where it may be once every transaction below fence_xid has ended';

-- Adds up two histograms, of any lengths.
CREATE OR REPLACE FUNCTION add_histograms(one integer[], other integer[]) RETURNS integer[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE WHEN one IS NULL THEN other WHEN other IS NULL THEN one ELSE (
        SELECT array_agg(coalesce(a, 0) + coalesce(b, 0) ORDER BY n)
        FROM unnest(one, other) WITH ORDINALITY AS pair (a, b, n)
    ) END
$$;
-- Returns how often each bucket occurs in a list of buckets, from bucket 0 on.
CREATE OR REPLACE FUNCTION count_buckets(buckets integer[]) RETURNS integer[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT array_agg(coalesce(times, 0) ORDER BY bucket)
    FROM generate_series(0, (SELECT max(b) FROM unnest(buckets) AS b)) AS bucket
    LEFT JOIN (SELECT b AS bucket, count(*)::integer AS times FROM unnest(buckets) AS b GROUP BY b) AS found
        USING (bucket)
$$;
CREATE OR REPLACE AGGREGATE sum_histograms(integer[]) (SFUNC = add_histograms, STYPE = integer[], PARALLEL = SAFE);

-- The API may not write the state of a queue; these say who did it. Queues belong to no workspace: the API asks
-- for the scope `operate`.
CREATE OR REPLACE FUNCTION pause_queue(queue text, reason text, paused_by text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    is_new boolean := faststream_pgmq.pause(pause_queue.queue, pause_queue.reason);
BEGIN
    UPDATE faststream_pgmq.queue_state AS state SET paused_by = pause_queue.paused_by
    WHERE state.queue = lower(pause_queue.queue);
    RETURN is_new;
END
$$;

CREATE OR REPLACE FUNCTION resume_queue(queue text) RETURNS boolean
LANGUAGE sql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$ SELECT faststream_pgmq.resume(queue) $$;

-- What keeps dead rows from being removed; with its owner's right to see how old it is.
CREATE OR REPLACE FUNCTION queue_obstacle()
RETURNS TABLE (holder text, seconds double precision, transactions integer)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$ SELECT holder, seconds, transactions FROM faststream_pgmq.oldest_snapshot() $$;

REVOKE ALL ON FUNCTION pause_queue(text, text, text), resume_queue(text), queue_obstacle() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pause_queue(text, text, text), resume_queue(text), queue_obstacle() TO supastate_api;

REVOKE ALL ON queue_samples, queue_minutes, queue_marks FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE ON queue_samples, queue_marks TO supastate_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON queue_minutes TO supastate_api;
GRANT SELECT ON queue_samples, queue_minutes TO supastate_readonly;
DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['queue_samples', 'queue_minutes', 'queue_marks'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format('DROP POLICY IF EXISTS of_every_workspace ON %I', guarded);
        EXECUTE format('CREATE POLICY of_every_workspace ON %I TO supastate_api, supastate_readonly USING (true)', guarded);
    END LOOP;
END
$$;
