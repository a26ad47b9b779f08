-- Spans kept beside the data, so that a trace can be read where no Jaeger runs.
-- Bounded: the exporter deletes what is older than its retention. Holds no content, keys or embeddings.
-- Unlogged: spans may be lost in a crash of the server, and cost no WAL.
-- Undo: DROP TABLE spans.
CREATE UNLOGGED TABLE IF NOT EXISTS spans (
    trace_id       text        NOT NULL,
    span_id        text        NOT NULL,
    parent_span_id text,
    service        text        NOT NULL,
    name           text        NOT NULL,
    kind           text        NOT NULL,
    status         text        NOT NULL,
    started_at     timestamptz NOT NULL,
    duration_ms    double precision NOT NULL CHECK (duration_ms >= 0),
    attributes     jsonb       NOT NULL DEFAULT '{}',
    links          jsonb       NOT NULL DEFAULT '[]',
    PRIMARY KEY (trace_id, span_id)
);
CREATE INDEX IF NOT EXISTS spans_by_age ON spans USING brin (started_at);
REVOKE ALL ON spans FROM PUBLIC;
ALTER TABLE spans ENABLE ROW LEVEL SECURITY;
