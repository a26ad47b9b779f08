-- Wakes a sleeping consumer, and only a sleeping one.
-- A consumer sleeps while it holds the bell's lock exclusively. Getting it shared, until commit, proves
-- that nobody sleeps, and nobody can fall asleep before this commit is visible; else somebody is told.
-- Why not always NOTIFY: a notifying commit takes a lock on the whole database cluster.
CREATE OR REPLACE FUNCTION faststream_pgmq.ring_doorbell() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NOT pg_catalog.pg_try_advisory_xact_lock_shared(pg_catalog.hashtextextended(TG_ARGV[0], 0)) THEN
        PERFORM pg_catalog.pg_notify(TG_ARGV[0], '');
    END IF;
    RETURN NULL;
END
$$;
