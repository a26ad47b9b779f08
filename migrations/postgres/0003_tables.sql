-- The tables that hold the truth; Neo4j is derived from them.
-- Cost: new, empty tables. Undo: DROP the tables.
CREATE TABLE IF NOT EXISTS api_keys (
    id           uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    workspace_id text        NOT NULL,
    user_id      uuid        NOT NULL,
    name         text        NOT NULL,
    prefix       text        NOT NULL,
    key_hash     bytea       NOT NULL UNIQUE,
    scopes       text[]      NOT NULL DEFAULT '{ingest,read,operate}',
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    revoked_at   timestamptz,
    CONSTRAINT api_keys_workspace_is_scoped
        CHECK (workspace_id ~ '^((team|user):)?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$')
);
COMMENT ON COLUMN api_keys.key_hash IS 'SHA-256 of the key; a key has 256 random bits, so no salt is needed';
COMMENT ON COLUMN api_keys.prefix IS 'the first characters of the key, to recognise it by';

CREATE TABLE IF NOT EXISTS jobs (
    id           uuid        PRIMARY KEY,
    workspace_id text        NOT NULL,
    user_id      uuid        NOT NULL,
    kind         text        NOT NULL,
    submitted    integer     NOT NULL CHECK (submitted >= 0),
    created_at   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE jobs IS 'What was asked for. How far it is follows from queues, archives and dead letters';
CREATE INDEX IF NOT EXISTS jobs_newest_first ON jobs (workspace_id, created_at DESC, id DESC);

CREATE TABLE IF NOT EXISTS memories (
    id            uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    workspace_id  text        NOT NULL,
    user_id       uuid        NOT NULL,
    chunk_id      text        NOT NULL,
    session_id    text,
    project_name  text,
    type          text        NOT NULL DEFAULT 'conversation',
    content       text        NOT NULL,
    metadata      jsonb       NOT NULL DEFAULT '{}',
    content_hash  bytea       NOT NULL,
    occurred_at   timestamptz NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT memories_one_per_chunk UNIQUE (workspace_id, chunk_id),
    -- "infinity" is a timestamptz, but no moment that anybody could read.
    CONSTRAINT memories_happened_at_a_moment
        CHECK (occurred_at BETWEEN '0001-01-01 00:00:00Z' AND '9999-12-31 00:00:00Z'),
    CONSTRAINT memories_workspace_is_scoped
        CHECK (workspace_id ~ '^((team|user):)?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$')
);
COMMENT ON COLUMN memories.content_hash IS
    'SHA-256 over everything a sender may change; an equal hash means that nothing has to be done again';
CREATE INDEX IF NOT EXISTS memories_of_project ON memories (workspace_id, project_name, occurred_at DESC);
CREATE INDEX IF NOT EXISTS memories_of_session ON memories (workspace_id, session_id, occurred_at);

CREATE TABLE IF NOT EXISTS code_entities (
    id            uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    workspace_id  text        NOT NULL,
    user_id       uuid        NOT NULL,
    project_name  text        NOT NULL,
    path          text        NOT NULL,
    name          text        NOT NULL,
    type          text        NOT NULL DEFAULT 'file',
    language      text,
    content       text        NOT NULL,
    metadata      jsonb       NOT NULL DEFAULT '{}',
    content_hash  bytea       NOT NULL,
    last_modified timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT code_entities_one_per_path UNIQUE (workspace_id, project_name, path),
    CONSTRAINT code_entities_workspace_is_scoped
        CHECK (workspace_id ~ '^((team|user):)?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$')
);

CREATE TABLE IF NOT EXISTS project_summaries (
    workspace_id          text        NOT NULL,
    project_name          text        NOT NULL,
    summary               text        NOT NULL,
    model                 text        NOT NULL,
    memories_included     integer     NOT NULL CHECK (memories_included BETWEEN 1 AND 100),
    last_memory_timestamp timestamptz NOT NULL,
    created_at            timestamptz NOT NULL DEFAULT now(),
    updated_at            timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, project_name)
);
COMMENT ON COLUMN project_summaries.last_memory_timestamp IS 'occurred_at of the newest memory read';

-- Keys, content and jobs are for the services, not for the public roles of PostgREST.
REVOKE ALL ON api_keys, jobs, memories, code_entities, project_summaries FROM PUBLIC;
ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE jobs ENABLE ROW LEVEL SECURITY;
ALTER TABLE memories ENABLE ROW LEVEL SECURITY;
ALTER TABLE code_entities ENABLE ROW LEVEL SECURITY;
ALTER TABLE project_summaries ENABLE ROW LEVEL SECURITY;
