-- Who did what: one row for each change that a person asked for, written in the transaction of the change.
-- And answers of requests that must run once, by their Idempotency-Key, kept for a day.
-- Why: an operator's action (a redrive, a pause, a deletion) must be traceable to a key, with its filter and count.
-- Cost: two empty tables. Undo: DROP TABLE audit_log, idempotent_requests.
CREATE TABLE IF NOT EXISTS audit_log (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id text        NOT NULL,
    at           timestamptz NOT NULL DEFAULT now(),
    key_id       uuid,
    key_name     text        NOT NULL,
    user_id      uuid        NOT NULL,
    action       text        NOT NULL,
    target       text        NOT NULL,
    filter       jsonb       NOT NULL DEFAULT '{}',
    count        bigint      CHECK (count >= 0),
    reason       text        NOT NULL DEFAULT ''
);
COMMENT ON TABLE audit_log IS 'Holds ids, filters and counts, never content; a key that is gone stays named';
COMMENT ON COLUMN audit_log.key_id IS 'NULL for the command line, which reaches Postgres itself';
COMMENT ON COLUMN audit_log.count IS 'how many things it was about, where that is known';
CREATE INDEX IF NOT EXISTS audit_log_newest_first ON audit_log (workspace_id, at DESC, id DESC);

CREATE TABLE IF NOT EXISTS idempotent_requests (
    workspace_id text        NOT NULL,
    key          text        NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
    fingerprint  bytea       NOT NULL,
    answer       jsonb,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, key)
);
COMMENT ON COLUMN idempotent_requests.fingerprint IS 'SHA-256 of what was asked: one key stands for one request';
COMMENT ON COLUMN idempotent_requests.answer IS 'NULL only inside the transaction that makes it';
CREATE INDEX IF NOT EXISTS idempotent_requests_by_age ON idempotent_requests (created_at);

REVOKE ALL ON audit_log, idempotent_requests FROM PUBLIC;
ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotent_requests ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON audit_log TO supastate_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotent_requests TO supastate_api;
GRANT SELECT ON audit_log TO supastate_readonly;

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['audit_log', 'idempotent_requests'] LOOP
        EXECUTE format('DROP POLICY IF EXISTS of_the_caller ON %I', guarded);
        EXECUTE format(
            'CREATE POLICY of_the_caller ON %I TO supastate_api, supastate_readonly '
            'USING (workspace_id = ANY (own_workspaces())) WITH CHECK (workspace_id = ANY (own_workspaces()))',
            guarded);
    END LOOP;
END
$$;
