-- The headers of a waiting message after a later one with its dedup_key was merged into it:
-- the waiting one stays as it is and remembers the later one's trace, at most 128 of them.
CREATE OR REPLACE FUNCTION faststream_pgmq.merge_headers(waiting jsonb, later jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE WHEN links IS NULL THEN waiting
                ELSE waiting || jsonb_build_object('tracelinks', links) END
    FROM (
        SELECT jsonb_agg(link ORDER BY n) FILTER (WHERE n <= 128) AS links
        FROM jsonb_array_elements(
            CASE jsonb_typeof(waiting->'tracelinks') WHEN 'array' THEN waiting->'tracelinks' ELSE '[]' END
            || CASE jsonb_typeof(later->'traceparent') WHEN 'string' THEN jsonb_build_array(later->'traceparent') ELSE '[]' END
            || CASE jsonb_typeof(later->'tracelinks') WHEN 'array' THEN later->'tracelinks' ELSE '[]' END
        ) WITH ORDINALITY AS merged (link, n)
    ) AS capped
$$;
