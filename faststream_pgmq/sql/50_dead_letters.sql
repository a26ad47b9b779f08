-- The ids of the dead letters of `queue` that match, lowest first; a filter that is NULL matches all.
--   error     the class of the error, such as 'ValueError'
--   contains  text in the error's message, in any case
--   since     when it became a dead letter, with this moment; `until` is without it
--   after     only higher ids, and with `up_to` only those up to it: for pages, and for a snapshot
CREATE OR REPLACE FUNCTION faststream_pgmq.dead_letter_ids(
    queue text, error text DEFAULT NULL, contains text DEFAULT NULL, "group" text DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    max_rows bigint DEFAULT NULL, after bigint DEFAULT 0, up_to bigint DEFAULT NULL
) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT msg_id FROM pgmq.%I '
        'WHERE msg_id > $7 AND msg_id <= coalesce($8, 9223372036854775807)'
        || CASE WHEN since IS NULL THEN '' ELSE ' AND enqueued_at >= $4' END
        || CASE WHEN until IS NULL THEN '' ELSE ' AND enqueued_at < $5' END
        || CASE WHEN "group" IS NULL THEN '' ELSE ' AND headers->>''group'' = $3' END
        || CASE WHEN error IS NULL THEN '' ELSE ' AND headers->''dead_letter''->>''error'' = $1' END
        || CASE WHEN contains IS NULL THEN ''
                ELSE ' AND strpos(lower(headers->''dead_letter''->>''message''), lower($2)) > 0' END
        || ' ORDER BY msg_id LIMIT $6',
        pgmq.format_table_name(queue || '_dlq', 'q'))
    USING error, contains, "group", since, until, max_rows, coalesce(after, 0), up_to;
END
$$;

-- Dead letters for a reader: the filters of dead_letter_ids, at most `max_rows`, lowest id first.
CREATE OR REPLACE FUNCTION faststream_pgmq.dead_letters(
    queue text, error text DEFAULT NULL, contains text DEFAULT NULL, "group" text DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    max_rows bigint DEFAULT 100, after bigint DEFAULT 0
) RETURNS TABLE (msg_id bigint, failed_at timestamptz, error_class text, error_message text,
                 message jsonb, headers jsonb)
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT msg_id, enqueued_at, headers->''dead_letter''->>''error'', '
        'headers->''dead_letter''->>''message'', message, headers '
        'FROM pgmq.%I WHERE msg_id = ANY ($1) ORDER BY msg_id',
        pgmq.format_table_name(queue || '_dlq', 'q'))
    USING ARRAY(SELECT faststream_pgmq.dead_letter_ids(
        queue, error, contains, "group", since, until, max_rows, after));
END
$$;

-- Puts dead letters back, all of them or those named, and returns how many.
-- They keep their headers, so also their job and trace, and start again with no attempt used.
CREATE OR REPLACE FUNCTION faststream_pgmq.redrive(queue text, msg_ids bigint[] DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    letters text := pgmq.format_table_name(queue || '_dlq', 'q');
    waiting text := pgmq.format_table_name(queue, 'q');
    spent CONSTANT text[] := ARRAY['dead_letter', 'attempts', 'released', 'last_error'];
    letter record;
    redriven bigint;
BEGIN
    -- Locked in one order, so that two who redrive the same letters cannot deadlock.
    EXECUTE format('SELECT coalesce(array_agg(msg_id), ''{}'') FROM (SELECT msg_id FROM pgmq.%I '
                   'WHERE $1 IS NULL OR msg_id = ANY ($1) ORDER BY msg_id FOR UPDATE) AS locked', letters)
    INTO msg_ids USING msg_ids;
    EXECUTE format(
        'WITH taken AS ('
        '    DELETE FROM pgmq.%I WHERE msg_id = ANY ($1) AND (headers ? ''dedup_key'') IS NOT TRUE '
        '    RETURNING msg_id, message, headers) '
        'INSERT INTO pgmq.%I (vt, message, headers) '
        'SELECT clock_timestamp(), message, '
        '       CASE jsonb_typeof(headers) WHEN ''object'' THEN headers - $2 ELSE headers END '
        'FROM taken ORDER BY msg_id', letters, waiting)
    USING msg_ids, spent;
    GET DIAGNOSTICS redriven = ROW_COUNT;
    -- One by one: two dead letters may carry the same dedup_key, and then the second merges into the first.
    FOR letter IN EXECUTE format(
        'WITH taken AS (DELETE FROM pgmq.%I WHERE msg_id = ANY ($1) RETURNING msg_id, message, headers) '
        'SELECT message, headers FROM taken ORDER BY headers->>''dedup_key'', msg_id', letters)
        USING msg_ids
    LOOP
        EXECUTE format(
            'INSERT INTO pgmq.%I AS waiting (vt, message, headers) VALUES (clock_timestamp(), $1, $2) '
            'ON CONFLICT ((headers->>''dedup_key'')) WHERE read_ct = 0 AND headers ? ''dedup_key'' '
            'DO UPDATE SET headers = faststream_pgmq.merge_headers(waiting.headers, excluded.headers)',
            waiting)
        USING letter.message, letter.headers - spent;
        redriven := redriven + 1;
    END LOOP;
    RETURN redriven;
END
$$;

-- Takes dead letters out for good and returns how many: into the archive of the dead letter queue,
-- or with keep => false nowhere. Those who mean all say so: faststream_pgmq.dead_letter_ids(queue).
CREATE OR REPLACE FUNCTION faststream_pgmq.discard(queue text, msg_ids bigint[], keep boolean DEFAULT true)
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    discarded bigint;
BEGIN
    EXECUTE format(
        'WITH locked AS (SELECT msg_id FROM pgmq.%1$I WHERE msg_id = ANY ($1) ORDER BY msg_id FOR UPDATE), '
        'gone AS (DELETE FROM pgmq.%1$I WHERE msg_id = ANY (ARRAY(SELECT msg_id FROM locked)) RETURNING *), '
        'kept AS (INSERT INTO pgmq.%2$I (msg_id, read_ct, enqueued_at, last_read_at, vt, message, headers) '
        '         SELECT msg_id, read_ct, enqueued_at, last_read_at, vt, message, headers FROM gone WHERE $2) '
        'SELECT count(*) FROM gone',
        pgmq.format_table_name(queue || '_dlq', 'q'), pgmq.format_table_name(queue || '_dlq', 'a'))
    INTO discarded USING msg_ids, keep;
    RETURN discarded;
END
$$;
