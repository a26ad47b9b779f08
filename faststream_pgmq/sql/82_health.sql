-- What keeps dead rows from being removed, in this database: the oldest snapshot that anybody but the
-- caller holds. While it is held, every row that died since stays, and reads of a busy queue get slower.
-- `seconds` is null where the caller may not see it (grant pg_read_all_stats); the rest is seen by all.
CREATE OR REPLACE FUNCTION faststream_pgmq.oldest_snapshot()
RETURNS TABLE (holder text, pid integer, application text, usename name, state text,
               seconds double precision, transactions integer)
LANGUAGE sql STABLE
AS $$
    SELECT holders.holder, holders.pid, holders.application, holders.usename, holders.state,
           extract(epoch FROM clock_timestamp() - holders.since)::float8, age(holders.xmin)
    FROM (
        SELECT CASE backend_type WHEN 'client backend' THEN 'session' ELSE backend_type END AS holder,
               activity.pid, activity.application_name AS application, activity.usename, activity.state,
               activity.xact_start AS since, coalesce(activity.backend_xmin, activity.backend_xid) AS xmin
        FROM pg_catalog.pg_stat_activity AS activity
        WHERE activity.pid <> pg_backend_pid()
          AND coalesce(activity.datname, current_database()) = current_database()
          -- Others ignore the snapshot of a vacuum.
          AND activity.backend_type IS DISTINCT FROM 'autovacuum worker'
        UNION ALL
        SELECT 'prepared transaction', NULL, gid, owner, 'prepared', prepared, transaction
        FROM pg_catalog.pg_prepared_xacts WHERE database = current_database()
        UNION ALL
        SELECT 'replication slot', active_pid, slot_name::text, NULL,
               CASE WHEN active THEN 'active' ELSE 'inactive' END, NULL, slots.xmin
        FROM pg_catalog.pg_replication_slots AS slots
    ) AS holders
    WHERE holders.xmin IS NOT NULL
    ORDER BY age(holders.xmin) DESC, holders.since
    LIMIT 1
$$;

-- How the tables of every queue do; counts no rows, so it costs the same however long they are.
--   dead_tuples  rows that are dead and not yet removed, as Postgres' statistics say
--   oldest       seconds since the message that is next was sent
--   doorbell     whether senders wake sleeping consumers; else consumers poll each second
-- Partitions are summed up. Null where the caller may not read.
CREATE OR REPLACE FUNCTION faststream_pgmq.health()
RETURNS TABLE (queue text, dead_tuples bigint, last_vacuum timestamptz, table_bytes bigint,
               index_bytes bigint, archive_bytes bigint, oldest double precision,
               doorbell boolean, partitioned boolean)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    qtable regclass;
    archive regclass;
BEGIN
    FOR queue, partitioned IN SELECT queue_name, is_partitioned FROM pgmq.meta ORDER BY queue_name
    LOOP
        qtable := to_regclass(format('pgmq.%I', pgmq.format_table_name(queue, 'q')));
        archive := to_regclass(format('pgmq.%I', pgmq.format_table_name(queue, 'a')));
        CONTINUE WHEN qtable IS NULL;
        -- A plain table is no partition tree, and of a partitioned one the parent holds nothing.
        SELECT sum(pg_stat_get_dead_tuples(parts.relid)),
               max(greatest(pg_stat_get_last_vacuum_time(parts.relid),
                            pg_stat_get_last_autovacuum_time(parts.relid))),
               sum(pg_table_size(parts.relid)), sum(pg_indexes_size(parts.relid))
        INTO dead_tuples, last_vacuum, table_bytes, index_bytes
        FROM (SELECT qtable AS relid UNION SELECT tree.relid FROM pg_partition_tree(qtable) AS tree) AS parts;
        SELECT sum(pg_total_relation_size(parts.relid)) INTO archive_bytes
        FROM (SELECT archive AS relid UNION SELECT tree.relid FROM pg_partition_tree(archive) AS tree) AS parts;
        SELECT count(*) > 0 INTO doorbell FROM pg_catalog.pg_trigger
        WHERE tgrelid = qtable AND tgname = 'faststream_pgmq_doorbell' AND tgenabled IN ('O', 'A');
        oldest := NULL;
        IF has_table_privilege(qtable, 'SELECT') THEN
            EXECUTE format(
                'SELECT extract(epoch FROM clock_timestamp() - enqueued_at)::float8 '
                'FROM %s WHERE vt <= now() ORDER BY msg_id LIMIT 1', qtable)
            INTO oldest;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
