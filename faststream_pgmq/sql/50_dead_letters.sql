-- Puts dead letters back, all of them or those named, and returns how many.
-- They keep their headers, so also their job and trace, and start again with no attempt used.
CREATE OR REPLACE FUNCTION faststream_pgmq.redrive(queue text, msg_ids bigint[] DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    letter record;
    redriven bigint := 0;
BEGIN
    -- One by one: two dead letters may carry the same dedup_key, and then the second merges into the first.
    FOR letter IN EXECUTE format(
        'WITH taken AS (DELETE FROM pgmq.%I WHERE $1 IS NULL OR msg_id = ANY ($1) '
        'RETURNING msg_id, message, headers) SELECT message, headers FROM taken ORDER BY msg_id',
        pgmq.format_table_name(queue || '_dlq', 'q')) USING msg_ids
    LOOP
        EXECUTE format(
            'INSERT INTO pgmq.%I AS waiting (vt, message, headers) VALUES (clock_timestamp(), $1, $2) '
            'ON CONFLICT ((headers->>''dedup_key'')) WHERE read_ct = 0 AND headers ? ''dedup_key'' '
            'DO UPDATE SET headers = faststream_pgmq.merge_headers(waiting.headers, excluded.headers)',
            pgmq.format_table_name(queue, 'q'))
        USING letter.message,
              letter.headers - ARRAY['dead_letter', 'attempts', 'released', 'last_error'];
        redriven := redriven + 1;
    END LOOP;
    RETURN redriven;
END
$$;
