-- Empties also the reasons that a person gave, when that person's data are deleted.
-- Why: the note of a review stands in the audit log as its reason, and was left there unless it held the person's id.
-- Cost: a function only. Undo: the function of 0023.

-- As in 0023; and a person's own words go with the person, whatever they were about.
CREATE OR REPLACE FUNCTION hide_names(p_deletion uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    this deletions := going_deletion(p_deletion);
    own text[] := ARRAY[this.workspace_id, "right"(this.workspace_id, 36)];
    named text := coalesce(this.project, this.person::text);
BEGIN
    UPDATE audit_log AS l SET target = '', filter = '{}', reason = ''
    WHERE workspace_id = ANY (own) AND l.target <> this.id::text
      AND (l.target <> '' OR l.filter <> '{}' OR l.reason <> '')
      AND (this.scope = 'workspace' OR l.target = named OR strpos(l.reason, named) > 0
           OR EXISTS (SELECT FROM jsonb_path_query(l.filter, 'strict $.**') AS value
                      WHERE value #>> '{}' = named)
           OR EXISTS (SELECT FROM deletion_marks m
                      WHERE m.deletion_id = this.id AND m.kind IN ('memories', 'code_entities', 'jobs')
                        AND m.id = l.target));
    UPDATE audit_log SET reason = ''
    WHERE workspace_id = ANY (own) AND user_id = this.person AND reason <> '';
    UPDATE operations SET reason = ''
    WHERE workspace_id = ANY (own) AND reason <> ''
      AND key_id IN (SELECT id FROM api_keys WHERE user_id = this.person);
    UPDATE operations AS o SET filter = '{}', reason = ''
    WHERE workspace_id = ANY (own) AND (
        strpos(o.reason, named) > 0
        OR EXISTS (SELECT FROM jsonb_path_query(o.filter, 'strict $.**') AS value
                   WHERE value #>> '{}' = named));
END
$$;
