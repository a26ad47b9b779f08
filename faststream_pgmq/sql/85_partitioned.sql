-- Sets storage parameters on the partitions of a table of pgmq, and on the template from which
-- pg_partman makes new ones: the parent itself can have none.
CREATE OR REPLACE FUNCTION faststream_pgmq.tune_partitions(parent text, settings text) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    partman regnamespace := (SELECT extnamespace FROM pg_catalog.pg_extension WHERE extname = 'pg_partman');
    template text;
    part regclass;
BEGIN
    EXECUTE format('SELECT template_table FROM %s.part_config WHERE parent_table = $1', partman)
    INTO template USING 'pgmq.' || parent;
    FOR part IN
        SELECT to_regclass(template) WHERE to_regclass(template) IS NOT NULL
        UNION ALL
        SELECT relid FROM pg_partition_tree(format('pgmq.%I', parent)::regclass) WHERE isleaf
    LOOP
        EXECUTE format('ALTER TABLE %s SET (%s)', part, settings);
    END LOOP;
END
$$;

-- Creates a queue whose tables are partitioned, and its dead letter queue, which is not; safe to repeat.
--   partition_interval, retention   as pgmq.create_partitioned() takes them: numbers of messages
--                                   ('100000'), or lengths of time ('1 day')
-- What pg_partman drops after `retention` is dropped, handled or not. There is no dedup_key here: a
-- unique index would have to hold the partition key. New partitions are made by pg_partman's
-- maintenance (its background worker, or a cron job that calls it).
CREATE OR REPLACE FUNCTION faststream_pgmq.create_partitioned_queue(
    queue text, partition_interval text DEFAULT '100000', retention text DEFAULT '10000000'
) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    qtable text := pgmq.format_table_name(queue, 'q');
BEGIN
    IF queue !~ '^[A-Za-z0-9_.-]+$' OR length(queue) > 43 THEN
        RAISE EXCEPTION 'queue name % is not 1 to 43 letters, digits, "_", "." or "-"', quote_literal(queue)
            USING HINT = 'pgmq allows 47 characters; "_dlq" takes four of them.';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'pg_partman') THEN
        RAISE EXCEPTION 'partitioned queues need the extension pg_partman, which this database has not'
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'Install its package on the server, then CREATE EXTENSION pg_partman; '
                         'or create a plain queue with faststream_pgmq.create_queue().';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('faststream_pgmq.create_queue', 0));
    IF to_regclass(format('pgmq.%I', qtable)) IS NULL THEN
        PERFORM pgmq.create_partitioned(queue, partition_interval, retention);
        -- pgmq indexes the partition key only; a claim needs both of these.
        IF pg_get_partkeydef(format('pgmq.%I', qtable)::regclass) <> 'RANGE (msg_id)' THEN
            EXECUTE format('CREATE INDEX %I ON pgmq.%I (msg_id)', qtable || '_msg_id_idx', qtable);
        END IF;
        EXECUTE format('CREATE INDEX %I ON pgmq.%I (vt)', qtable || '_vt_idx', qtable);
        PERFORM faststream_pgmq.tune_partitions(qtable,
            'fillfactor = 80, autovacuum_vacuum_threshold = 2000, '
            'autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0, '
            'autovacuum_analyze_threshold = 2000, autovacuum_analyze_scale_factor = 0.05');
        PERFORM faststream_pgmq.tune_partitions(pgmq.format_table_name(queue, 'a'),
            faststream_pgmq.archive_settings());
    END IF;
    PERFORM faststream_pgmq.prepare_queue(queue);
    PERFORM faststream_pgmq.prepare_queue(queue || '_dlq');
END
$$;
