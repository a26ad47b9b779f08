-- The messages of one memory or source file: its page says which jobs and traces wrote it.
-- Cost: one entry a message in each index; built in one go, while which nothing is sent (a second for each 300,000
-- messages). Undo: DROP INDEX by name.
CREATE INDEX IF NOT EXISTS q_memory_ingestion_entity
    ON pgmq.q_memory_ingestion ((coalesce(message->>'memory_id', message->>'code_entity_id')));
CREATE INDEX IF NOT EXISTS a_memory_ingestion_entity
    ON pgmq.a_memory_ingestion ((coalesce(message->>'memory_id', message->>'code_entity_id')));
CREATE INDEX IF NOT EXISTS q_memory_ingestion_dlq_entity
    ON pgmq.q_memory_ingestion_dlq ((coalesce(message->>'memory_id', message->>'code_entity_id')));
