-- Workers tell how far they are with a job's messages (0026); the API may look.
-- No row names a workspace or holds content of a message: readers join by the message, which they may see.
-- Cost: privileges only. Undo: REVOKE the same.
GRANT SELECT, INSERT, UPDATE, DELETE ON faststream_pgmq.progress TO supastate_worker;
GRANT SELECT ON faststream_pgmq.progress TO supastate_api;
