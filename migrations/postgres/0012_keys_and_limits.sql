-- Keys that end by themselves, the scope `admin`, and how much a key may ask for a minute.
-- Why: a key is replaced without a gap (rotation), and one client must not take the API for itself.
-- Cost: three columns without a default, one check over a small table, one empty table.
-- Undo: DROP TABLE rate_limits; ALTER TABLE api_keys DROP COLUMN expires_at, requests_per_minute, replaces.
ALTER TABLE api_keys ADD COLUMN IF NOT EXISTS expires_at timestamptz;
ALTER TABLE api_keys ADD COLUMN IF NOT EXISTS requests_per_minute integer CHECK (requests_per_minute > 0);
ALTER TABLE api_keys ADD COLUMN IF NOT EXISTS replaces uuid REFERENCES api_keys (id);
COMMENT ON COLUMN api_keys.expires_at IS 'refused from then on; NULL never ends';
COMMENT ON COLUMN api_keys.requests_per_minute IS 'NULL takes the API''s setting';
COMMENT ON COLUMN api_keys.replaces IS 'the key that was rotated into this one';
CREATE INDEX IF NOT EXISTS api_keys_of_workspace ON api_keys (workspace_id, created_at DESC, id);

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'api_keys_scopes_are_known') THEN
        ALTER TABLE api_keys ADD CONSTRAINT api_keys_scopes_are_known
            CHECK (scopes <@ ARRAY['ingest', 'read', 'operate', 'admin'] AND scopes <> '{}');
    END IF;
END
$$;

-- One token bucket a key, shared by all replicas of the API. Unlogged: after a crash it is full again.
CREATE UNLOGGED TABLE IF NOT EXISTS rate_limits (
    key_id      uuid             PRIMARY KEY REFERENCES api_keys (id) ON DELETE CASCADE,
    tokens      double precision NOT NULL,
    granted     integer          NOT NULL,
    refilled_at timestamptz      NOT NULL
) WITH (fillfactor = 50);
COMMENT ON COLUMN rate_limits.granted IS 'what the last call of take_requests was given';
REVOKE ALL ON rate_limits FROM PUBLIC;
ALTER TABLE rate_limits ENABLE ROW LEVEL SECURITY;
