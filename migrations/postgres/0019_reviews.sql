-- What people say of patterns, what a summary was written from, and how much each key sends.
-- A pattern's id is a hash of what makes it the same one, and detection may delete and find it again: so what a
-- person said of it is kept here, and joined when it is read.
-- Cost: a new, empty table; columns without a default; one index over memories, which blocks their writers while
-- it is built. Undo: DROP TABLE pattern_reviews; DROP INDEX memories_by_time, jobs_of_project; drop the columns.
CREATE TABLE IF NOT EXISTS pattern_reviews (
    workspace_id text        NOT NULL,
    pattern_id   uuid        NOT NULL,
    project_name text        NOT NULL,
    user_id      uuid        NOT NULL,
    verdict      text        NOT NULL,
    note         text,
    reviewed_by  text        NOT NULL,
    reviewed_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, pattern_id),
    CONSTRAINT pattern_reviews_verdict_is_known CHECK (verdict IN ('confirmed', 'dismissed'))
);
COMMENT ON COLUMN pattern_reviews.reviewed_by IS 'the name of the key';
REVOKE ALL ON pattern_reviews FROM PUBLIC;
ALTER TABLE pattern_reviews ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON pattern_reviews TO supastate_api;
GRANT SELECT ON pattern_reviews TO supastate_readonly;
DROP POLICY IF EXISTS of_the_caller ON pattern_reviews;
CREATE POLICY of_the_caller ON pattern_reviews TO supastate_api, supastate_readonly
    USING (workspace_id = ANY (own_workspaces())) WITH CHECK (workspace_id = ANY (own_workspaces()));

-- How many memories a week has: a rate needs what it is a part of.
CREATE INDEX IF NOT EXISTS memories_by_time ON memories (workspace_id, occurred_at);

ALTER TABLE project_summaries ADD COLUMN IF NOT EXISTS source_ids uuid[] NOT NULL DEFAULT '{}';
ALTER TABLE project_summaries ADD COLUMN IF NOT EXISTS first_memory_timestamp timestamptz;
COMMENT ON COLUMN project_summaries.source_ids IS
    'the memories it was written from; empty for a summary that is older than this column';

ALTER TABLE jobs ADD COLUMN IF NOT EXISTS key_id uuid;
ALTER TABLE jobs ADD COLUMN IF NOT EXISTS project_name text;
ALTER TABLE jobs ADD COLUMN IF NOT EXISTS content_bytes bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN jobs.key_id IS 'the API key that asked; NULL for a job that is older than this column';
CREATE INDEX IF NOT EXISTS jobs_of_project ON jobs (workspace_id, project_name, created_at DESC, id DESC)
    WHERE project_name IS NOT NULL;

-- Whoever writes what was made of a workspace's memories holds off the step of a deletion that would miss it.
CREATE OR REPLACE FUNCTION deletion_lock(p_workspace_id text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN hashtextextended('supastate.deletion:' || lower("right"(p_workspace_id, 36)), 0);

CREATE OR REPLACE FUNCTION await_deletion(p_workspace_id text) RETURNS void
LANGUAGE sql
AS $$ SELECT pg_advisory_xact_lock_shared(deletion_lock(p_workspace_id)) $$;
