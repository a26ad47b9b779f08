// Patterns, and the look-ups of the detectors: the summaries of a week that carry a signal.
// Cost: indexes over existing summaries. Undo: DROP CONSTRAINT and DROP INDEX by name.
CREATE CONSTRAINT pattern_id IF NOT EXISTS
FOR (n:Pattern) REQUIRE (n.workspace_id, n.id) IS UNIQUE;

CREATE INDEX pattern_of_workspace IF NOT EXISTS
FOR (n:Pattern) ON (n.workspace_id);

DROP INDEX entity_summary_debugging IF EXISTS;
DROP INDEX entity_summary_learning IF EXISTS;
DROP INDEX entity_summary_refactoring IF EXISTS;
DROP INDEX entity_summary_problem_solving IF EXISTS;

CREATE INDEX entity_summary_of_debugging IF NOT EXISTS
FOR (n:EntitySummary) ON (n.workspace_id, n.project_name, n.is_debugging, n.occurred_at);

CREATE INDEX entity_summary_of_learning IF NOT EXISTS
FOR (n:EntitySummary) ON (n.workspace_id, n.project_name, n.is_learning, n.occurred_at);

CREATE INDEX entity_summary_of_refactoring IF NOT EXISTS
FOR (n:EntitySummary) ON (n.workspace_id, n.project_name, n.is_refactoring, n.occurred_at);

CREATE INDEX entity_summary_of_problem_solving IF NOT EXISTS
FOR (n:EntitySummary) ON (n.workspace_id, n.project_name, n.is_problem_solving, n.occurred_at);
