-- The three queues with their dead letter queues, and how people look at them.
-- `memory_ingestion` carries both kinds of entity: messages with "type": "memory" and "type": "code".
-- Cost: new queues; CREATE INDEX on them. Undo: pgmq.drop_queue() for each.
SELECT faststream_pgmq.create_queue(name)
FROM unnest(ARRAY['memory_ingestion', 'pattern_detection', 'summary_generation']) AS name;

-- A job's state is derived from where its messages are.
CREATE INDEX IF NOT EXISTS q_memory_ingestion_job ON pgmq.q_memory_ingestion ((headers->>'job_id'));
CREATE INDEX IF NOT EXISTS a_memory_ingestion_job ON pgmq.a_memory_ingestion ((headers->>'job_id'));
CREATE INDEX IF NOT EXISTS q_memory_ingestion_dlq_job ON pgmq.q_memory_ingestion_dlq ((headers->>'job_id'));
CREATE INDEX IF NOT EXISTS q_pattern_detection_job ON pgmq.q_pattern_detection ((headers->>'job_id'));
CREATE INDEX IF NOT EXISTS a_pattern_detection_job ON pgmq.a_pattern_detection ((headers->>'job_id'));
CREATE INDEX IF NOT EXISTS q_pattern_detection_dlq_job ON pgmq.q_pattern_detection_dlq ((headers->>'job_id'));
CREATE INDEX IF NOT EXISTS q_summary_generation_job ON pgmq.q_summary_generation ((headers->>'job_id'));
CREATE INDEX IF NOT EXISTS a_summary_generation_job ON pgmq.a_summary_generation ((headers->>'job_id'));
CREATE INDEX IF NOT EXISTS q_summary_generation_dlq_job ON pgmq.q_summary_generation_dlq ((headers->>'job_id'));

-- SELECT * FROM pgmq.queue_memory_ingestion WHERE retry_count > 0;
DO $$
DECLARE
    queue text;
BEGIN
    FOREACH queue IN ARRAY ARRAY['memory_ingestion', 'pattern_detection', 'summary_generation'] LOOP
        EXECUTE format(
            $view$
            CREATE OR REPLACE VIEW pgmq.%I AS
            SELECT msg_id,
                   CASE WHEN jsonb_typeof(headers->'attempts') = 'number'
                        THEN (headers->>'attempts')::numeric ELSE 0 END::integer AS retry_count,
                   read_ct,
                   enqueued_at,
                   vt,
                   headers->>'job_id' AS job_id,
                   headers->>'last_error' AS last_error,
                   message,
                   headers
            FROM pgmq.%I
            $view$, 'queue_' || queue, 'q_' || queue);
        EXECUTE format(
            'COMMENT ON VIEW pgmq.%I IS %L', 'queue_' || queue,
            'Waiting and running messages; retry_count is the number of failed attempts, not of deliveries');
    END LOOP;
END
$$;

CREATE OR REPLACE VIEW queue_health AS
SELECT queue_name,
       queue_length,
       newest_msg_age_sec,
       oldest_msg_age_sec,
       total_messages,
       scrape_time
FROM pgmq.metrics_all();
COMMENT ON VIEW queue_health IS 'Counts whole queues: for people, not for a scraper';
