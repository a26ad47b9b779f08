// The problems of a week, for the detector of problems and their solutions.
// Summaries written before this have no such signal until their memories are ingested again.
// Cost: an index over existing summaries. Undo: DROP INDEX by name.
CREATE INDEX entity_summary_of_problem IF NOT EXISTS
FOR (n:EntitySummary) ON (n.workspace_id, n.project_name, n.is_problem, n.occurred_at);
