-- How often each key searches, a day at a time, for the usage report: counts, never what was searched for.
-- A search itself writes nothing: each process of the API counts in memory and adds its counts here now and then.
-- Cost: a new, empty table. Undo: DROP FUNCTION count_searches(jsonb); DROP TABLE search_counts.
CREATE TABLE IF NOT EXISTS search_counts (
    workspace_id text   NOT NULL,
    day          date   NOT NULL,
    key_id       uuid   NOT NULL,
    user_id      uuid   NOT NULL,
    searches     bigint NOT NULL,
    PRIMARY KEY (workspace_id, day, key_id)
) WITH (fillfactor = 50);
COMMENT ON COLUMN search_counts.day IS 'in UTC';
COMMENT ON COLUMN search_counts.user_id IS 'of the key, so that deleting a user takes it';

-- A process counts for keys of many workspaces at once; whose a key is, only its row says.
CREATE OR REPLACE FUNCTION count_searches(given jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
    INSERT INTO search_counts AS known (workspace_id, day, key_id, user_id, searches)
    SELECT k.workspace_id, g.day, k.id, k.user_id, sum(g.searches)
    FROM jsonb_to_recordset(given) AS g (key_id uuid, day date, searches bigint)
    JOIN api_keys k ON k.id = g.key_id
    WHERE g.searches > 0
    GROUP BY k.id, g.day
    ORDER BY k.workspace_id, g.day, k.id  -- every process locks in the same order
    ON CONFLICT (workspace_id, day, key_id) DO UPDATE SET searches = known.searches + excluded.searches
$$;
REVOKE ALL ON FUNCTION count_searches(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION count_searches(jsonb) TO supastate_api;

REVOKE ALL ON search_counts FROM PUBLIC;
ALTER TABLE search_counts ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON search_counts TO supastate_api, supastate_readonly;
DROP POLICY IF EXISTS of_the_caller ON search_counts;
CREATE POLICY of_the_caller ON search_counts TO supastate_api, supastate_readonly
    USING (workspace_id = ANY (own_workspaces()));
