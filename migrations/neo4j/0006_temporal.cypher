// Patterns of time and the sessions that memories form: reading the newest memories of a week in
// order, and finding a project's sessions by their start.
// Why an index of its own: a project's code files may all bear the time of one import, and would
// stand between its memories in entity_summary_of_project_by_time; the id puts memories of one
// moment in order.
// Cost: one index over existing summaries. Undo: DROP CONSTRAINT and DROP INDEX by name.
CREATE CONSTRAINT session_summary_id IF NOT EXISTS
FOR (n:SessionSummary) REQUIRE (n.workspace_id, n.id) IS UNIQUE;

CREATE INDEX session_summary_of_project_by_time IF NOT EXISTS
FOR (n:SessionSummary) ON (n.workspace_id, n.project_name, n.start_time);

CREATE INDEX entity_summary_of_kind_by_time IF NOT EXISTS
FOR (n:EntitySummary) ON (n.workspace_id, n.project_name, n.entity_type, n.occurred_at, n.id);
