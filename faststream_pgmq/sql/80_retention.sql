-- Deletes at most `max_rows` archived messages of `queue`, oldest first, that were archived at least
-- `older_than` ago, and returns how many. Repeat until it returns less; each call is short, waits for
-- nobody, and many may run at the same time. The index on `archived_at` is pgmq's own.
CREATE OR REPLACE FUNCTION faststream_pgmq.purge_archive(
    queue text, older_than interval, max_rows bigint DEFAULT 1000
) RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    archive regclass := to_regclass(format('pgmq.%I', pgmq.format_table_name(queue, 'a')));
    purged bigint;
BEGIN
    PERFORM faststream_pgmq.check_purge(queue, archive, older_than);
    -- By place and not by msg_id: a partitioned archive has no index on that. The rows are locked, so
    -- they stay where they are. The array is what keeps a plan from reading the whole archive.
    EXECUTE format(
        'WITH old AS MATERIALIZED ('
        '    SELECT tableoid AS part, ctid AS place FROM %1$s WHERE archived_at <= $1 '
        '    ORDER BY archived_at LIMIT $2 FOR UPDATE SKIP LOCKED) '
        'DELETE FROM %1$s AS gone USING old WHERE gone.ctid = ANY (ARRAY(SELECT place FROM old)) '
        'AND gone.ctid = old.place AND gone.tableoid = old.part', archive)
    USING clock_timestamp() - older_than, max_rows;
    GET DIAGNOSTICS purged = ROW_COUNT;
    RETURN purged;
END
$$;

-- The same for dead letters that nobody redrove or discarded: of the `max_rows` oldest, those that
-- became dead letters at least `older_than` ago are deleted.
CREATE OR REPLACE FUNCTION faststream_pgmq.purge_dead_letters(
    queue text, older_than interval, max_rows bigint DEFAULT 1000
) RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    letters regclass := to_regclass(format('pgmq.%I', pgmq.format_table_name(queue || '_dlq', 'q')));
    purged bigint;
BEGIN
    PERFORM faststream_pgmq.check_purge(queue, letters, older_than);
    -- Oldest by id: a look by time would visit every letter, each time, to find that none is old.
    EXECUTE format(
        'DELETE FROM %1$s WHERE enqueued_at <= $1 AND msg_id = ANY (ARRAY('
        '    SELECT msg_id FROM %1$s ORDER BY msg_id LIMIT $2 FOR UPDATE SKIP LOCKED))', letters)
    USING clock_timestamp() - older_than, max_rows;
    GET DIAGNOSTICS purged = ROW_COUNT;
    RETURN purged;
END
$$;

-- Raises when there is nothing to purge from, or when the age is none.
CREATE OR REPLACE FUNCTION faststream_pgmq.check_purge(queue text, of_table regclass, older_than interval)
RETURNS void
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF of_table IS NULL THEN
        RAISE EXCEPTION 'there is no queue %', quote_literal(queue)
            USING ERRCODE = 'undefined_table',
                  HINT = 'SELECT queue_name FROM pgmq.list_queues() lists those that exist.';
    END IF;
    IF older_than IS NULL OR older_than < interval '0' THEN
        RAISE EXCEPTION 'older_than must be an interval of at least 0, got %', quote_nullable(older_than)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
END
$$;

-- Autovacuum for an archive: rows come in, are never updated, and leave oldest first. So it is to
-- vacuum after inserts (freeze, visibility), before the table is big, and after a purge.
CREATE OR REPLACE FUNCTION faststream_pgmq.archive_settings() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT 'autovacuum_vacuum_insert_threshold = 10000, autovacuum_vacuum_insert_scale_factor = 0.05, '
           'autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_scale_factor = 0.05, '
           'autovacuum_analyze_threshold = 10000, autovacuum_analyze_scale_factor = 0.05'
$$;

-- Tunes the archive of a queue, unless somebody has set anything there. Blocks neither readers nor
-- writers, and rather fails than waits for long.
CREATE OR REPLACE FUNCTION faststream_pgmq.prepare_archive(queue text) RETURNS void
LANGUAGE plpgsql
SET lock_timeout = '1s'
AS $$
DECLARE
    archive regclass := to_regclass(format('pgmq.%I', pgmq.format_table_name(queue, 'a')));
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_class
               WHERE oid = archive AND relkind = 'r' AND reloptions IS NULL) THEN
        EXECUTE format('ALTER TABLE %s SET (%s)', archive, faststream_pgmq.archive_settings());
    END IF;
END
$$;
