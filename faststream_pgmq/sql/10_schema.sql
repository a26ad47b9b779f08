-- What faststream-pgmq needs beside pgmq: the doorbell, queue creation, redrive.
-- Plain SQL, safe to repeat; needs no superuser, only the rights that pgmq.create() needs.
-- Cost: functions only; nothing runs until faststream_pgmq.create_queue() is called.
-- Undo: DROP SCHEMA faststream_pgmq CASCADE (also drops the triggers on the queues).
CREATE SCHEMA IF NOT EXISTS faststream_pgmq;
-- The functions run with their caller's rights, so this opens no table to anybody.
GRANT USAGE ON SCHEMA faststream_pgmq TO PUBLIC;
