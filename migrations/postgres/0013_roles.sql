-- Three roles with the least that each kind of process needs, and row-level security: a statement of the API that
-- forgets its workspace finds nothing. A process takes its role by SUPASTATE_POSTGRES_ROLE, or its login is a member:
--   CREATE ROLE shop_api LOGIN PASSWORD '…' IN ROLE supastate_api;
-- Queues have no row-level security: their indexes over jsonb could not be used under it. The API may send and look,
-- not take or delete.
-- Cost: privileges only. Undo: DROP POLICY …; DROP OWNED BY supastate_api, supastate_worker, supastate_readonly.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['supastate_api', 'supastate_worker', 'supastate_readonly'] LOOP
        BEGIN
            IF to_regrole(wanted) IS NULL THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            END IF;
            -- Whoever migrates may act as it, without being a superuser.
            IF NOT pg_has_role(current_user, wanted, 'MEMBER') THEN
                EXECUTE format('GRANT %I TO %I', wanted, current_user);
            END IF;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL;  -- another database's migration was faster
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'role %: % may not create it', wanted, current_user
                    USING HINT = format('Let an administrator run: CREATE ROLE %I NOLOGIN; GRANT %I TO %I;',
                                        wanted, wanted, current_user);
        END;
    END LOOP;
END
$$;

-- The workspaces that this transaction is for, as the API names them; none where nobody said so.
CREATE OR REPLACE FUNCTION own_workspaces() RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT string_to_array(current_setting('supastate.workspaces', true), ',') $$;

-- Before its key is known, nobody has a workspace: these two see one key each, by what only its holder knows.
CREATE OR REPLACE FUNCTION find_api_key(hash bytea) RETURNS SETOF api_keys
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
    SELECT * FROM api_keys
    WHERE key_hash = hash AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
$$;

-- At most once a minute, so that a busy key costs no write a request.
CREATE OR REPLACE FUNCTION touch_api_key(hash bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
    UPDATE api_keys SET last_used_at = now()
    WHERE key_hash = hash AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
$$;
REVOKE ALL ON FUNCTION find_api_key(bytea), touch_api_key(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_api_key(bytea), touch_api_key(bytea) TO supastate_api;

GRANT SELECT, INSERT, UPDATE, DELETE ON memories, code_entities TO supastate_api;
GRANT SELECT, DELETE ON project_summaries TO supastate_api;
GRANT SELECT, INSERT ON jobs TO supastate_api;
GRANT SELECT, INSERT, UPDATE ON api_keys, rate_limits TO supastate_api;
GRANT SELECT, INSERT, DELETE ON spans TO supastate_api;

GRANT SELECT ON memories, code_entities TO supastate_worker;
GRANT SELECT, INSERT, UPDATE ON project_summaries TO supastate_worker;
GRANT SELECT, INSERT, DELETE ON spans TO supastate_worker;
GRANT EXECUTE ON FUNCTION store_memory(uuid, uuid, text, text, jsonb) TO supastate_api, supastate_worker;

GRANT SELECT ON memories, code_entities, project_summaries, jobs, spans TO supastate_readonly;

DO $$
DECLARE
    of_caller CONSTANT text := 'workspace_id = ANY (own_workspaces())';
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['memories', 'code_entities', 'project_summaries', 'jobs', 'api_keys'] LOOP
        EXECUTE format('DROP POLICY IF EXISTS of_the_caller ON %I', guarded);
        EXECUTE format(
            'CREATE POLICY of_the_caller ON %I TO supastate_api, supastate_readonly USING (%s) WITH CHECK (%s)',
            guarded, of_caller, of_caller);
    END LOOP;
    -- A worker's batch holds messages of many workspaces.
    FOREACH guarded IN ARRAY ARRAY['memories', 'code_entities', 'project_summaries'] LOOP
        EXECUTE format('DROP POLICY IF EXISTS of_every_workspace ON %I', guarded);
        EXECUTE format('CREATE POLICY of_every_workspace ON %I TO supastate_worker USING (true)', guarded);
    END LOOP;
END
$$;
DROP POLICY IF EXISTS of_every_key ON rate_limits;
CREATE POLICY of_every_key ON rate_limits TO supastate_api USING (true);
DROP POLICY IF EXISTS of_every_process ON spans;
CREATE POLICY of_every_process ON spans
    TO supastate_api, supastate_worker, supastate_readonly USING (true);

-- For this migration's queues, and for those of later ones.
CREATE OR REPLACE FUNCTION grant_queue(queue text) RETURNS void
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON pgmq.%I TO supastate_api', 'q_' || queue);
    EXECUTE format('GRANT SELECT ON pgmq.%I, pgmq.%I TO supastate_api', 'a_' || queue, 'q_' || queue || '_dlq');
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON pgmq.%I, pgmq.%I, pgmq.%I, pgmq.%I TO supastate_worker',
                   'q_' || queue, 'a_' || queue, 'q_' || queue || '_dlq', 'a_' || queue || '_dlq');
    EXECUTE format('GRANT USAGE ON SEQUENCE %s, %s TO supastate_api, supastate_worker',
                   pg_get_serial_sequence(format('pgmq.%I', 'q_' || queue), 'msg_id'),
                   pg_get_serial_sequence(format('pgmq.%I', 'q_' || queue || '_dlq'), 'msg_id'));
END
$$;
REVOKE ALL ON FUNCTION grant_queue(text) FROM PUBLIC;
SELECT grant_queue(queue)
FROM unnest(ARRAY['memory_ingestion', 'pattern_detection', 'summary_generation']) AS queue;

GRANT USAGE ON SCHEMA pgmq TO supastate_api, supastate_worker;
GRANT SELECT ON pgmq.meta TO supastate_api, supastate_worker;
GRANT SELECT ON faststream_pgmq.queue_state TO supastate_api, supastate_worker;
GRANT SELECT, INSERT, DELETE ON faststream_pgmq.reply TO supastate_api, supastate_worker;
