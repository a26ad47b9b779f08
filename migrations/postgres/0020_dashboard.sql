-- Whose spans are whose, and one row a trace, so that a workspace's newest traces are listed from an index.
-- Why: the dashboard and the API show each caller the traces of its own workspace, and of no other.
-- Spans and traces are written and purged through two functions: a process cannot read or delete others' by itself.
-- Cost: one nullable column, three indexes over the span store, which is bounded; one small unlogged table.
-- Undo: DROP TABLE traces; DROP FUNCTION save_spans, purge_spans; ALTER TABLE spans DROP COLUMN workspace_id;
--       then the grants and the policy on spans of 0013.
ALTER TABLE spans ADD COLUMN IF NOT EXISTS workspace_id text;
COMMENT ON COLUMN spans.workspace_id IS 'NULL: of no single workspace, such as a batch; shown to nobody';
CREATE INDEX IF NOT EXISTS spans_by_start ON spans (started_at);
DROP INDEX IF EXISTS spans_by_age;
CREATE INDEX IF NOT EXISTS spans_of_message ON spans ((attributes->>'messaging.message.id'), workspace_id)
    WHERE (attributes->>'messaging.message.id') IS NOT NULL;

CREATE UNLOGGED TABLE IF NOT EXISTS traces (
    workspace_id text        NOT NULL,
    trace_id     text        NOT NULL,
    started_at   timestamptz NOT NULL,
    ended_at     timestamptz NOT NULL,
    name         text        NOT NULL,
    spans        integer     NOT NULL,
    errors       integer     NOT NULL,
    services     text[]      NOT NULL,
    job_id       uuid,
    PRIMARY KEY (trace_id, workspace_id)
) WITH (fillfactor = 70);
COMMENT ON TABLE traces IS 'what the spans of one trace in one workspace add up to, as far as they have come in';
COMMENT ON COLUMN traces.name IS 'of the span that began first';
CREATE INDEX IF NOT EXISTS traces_newest ON traces (workspace_id, started_at DESC, trace_id DESC);
CREATE INDEX IF NOT EXISTS traces_with_errors ON traces (workspace_id, started_at DESC, trace_id DESC) WHERE errors > 0;
CREATE INDEX IF NOT EXISTS traces_of_job ON traces (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS traces_by_age ON traces USING brin (started_at);

CREATE OR REPLACE FUNCTION save_spans(given jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
    WITH saved AS (
        INSERT INTO spans (trace_id, span_id, parent_span_id, service, name, kind, status, started_at, duration_ms,
                           attributes, links, workspace_id)
        SELECT trace_id, span_id, parent_span_id, service, name, kind, status, started_at, duration_ms,
               attributes, links, workspace_id
        FROM jsonb_populate_recordset(NULL::spans, given)
        ON CONFLICT DO NOTHING
        RETURNING *
    )
    INSERT INTO traces AS known (workspace_id, trace_id, started_at, ended_at, name, spans, errors, services, job_id)
    SELECT workspace_id, trace_id, min(started_at), max(started_at + duration_ms * interval '1 millisecond'),
           (array_agg(name ORDER BY started_at, parent_span_id NULLS FIRST))[1], count(*),
           count(*) FILTER (WHERE status = 'error'), array_agg(DISTINCT service ORDER BY service),
           (max(attributes->>'supastate.job_id')
               FILTER (WHERE pg_input_is_valid(attributes->>'supastate.job_id', 'uuid')))::uuid
    FROM saved
    WHERE workspace_id IS NOT NULL
    GROUP BY workspace_id, trace_id
    ORDER BY trace_id, workspace_id  -- every exporter locks in the same order
    ON CONFLICT (trace_id, workspace_id) DO UPDATE SET
        name = CASE WHEN excluded.started_at <= known.started_at THEN excluded.name ELSE known.name END,
        started_at = least(known.started_at, excluded.started_at),
        ended_at = greatest(known.ended_at, excluded.ended_at),
        spans = known.spans + excluded.spans,
        errors = known.errors + excluded.errors,
        services = ARRAY(SELECT DISTINCT unnest(known.services || excluded.services) ORDER BY 1),
        job_id = coalesce(known.job_id, excluded.job_id)
$$;

-- Keeps what is young enough, and of that the newest spans only.
CREATE OR REPLACE FUNCTION purge_spans(keep interval, most bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    oldest timestamptz := greatest(
        now() - keep, (SELECT started_at FROM spans ORDER BY started_at DESC OFFSET most LIMIT 1));
BEGIN
    DELETE FROM spans WHERE started_at < oldest;
    DELETE FROM traces WHERE started_at < oldest;
END
$$;
REVOKE ALL ON FUNCTION save_spans(jsonb), purge_spans(interval, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION save_spans(jsonb), purge_spans(interval, bigint) TO supastate_api, supastate_worker;

REVOKE ALL ON traces FROM PUBLIC;
REVOKE ALL ON spans FROM supastate_api, supastate_worker;
GRANT SELECT ON spans, traces TO supastate_api, supastate_readonly;
ALTER TABLE traces ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS of_every_process ON spans;
DROP POLICY IF EXISTS of_the_caller ON spans;
CREATE POLICY of_the_caller ON spans TO supastate_api, supastate_readonly USING (workspace_id = ANY (own_workspaces()));
DROP POLICY IF EXISTS of_the_caller ON traces;
CREATE POLICY of_the_caller ON traces TO supastate_api, supastate_readonly USING (workspace_id = ANY (own_workspaces()));
