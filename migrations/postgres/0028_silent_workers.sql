-- What a sample tells of workers that hang, and which release samples.
-- Why: a worker that holds messages and renews no lease looked like one that works, until its queue stood still for ten
-- minutes; and nobody could see since when the release runs that broke something.
-- Cost: three columns of a table of as many rows as there are queues; no rewrite. An API of before, which reads all
-- columns, shows no figures of queues until it is started anew. Undo: ALTER TABLE queue_samples DROP COLUMN each.
ALTER TABLE queue_samples ADD COLUMN IF NOT EXISTS silent integer NOT NULL DEFAULT 0;
ALTER TABLE queue_samples ADD COLUMN IF NOT EXISTS release text;
ALTER TABLE queue_samples ADD COLUMN IF NOT EXISTS release_since timestamptz;
COMMENT ON COLUMN queue_samples.silent IS 'messages in hand whose lease was not renewed at two heartbeats, or has run out';
COMMENT ON COLUMN queue_samples.release IS 'of the process that samples, as its setting supastate.release says';
COMMENT ON COLUMN queue_samples.release_since IS 'when a process of this release sampled first';
