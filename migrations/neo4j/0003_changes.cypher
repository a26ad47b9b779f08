// What is new to a detector: a counter for each workspace, a number on each summary, removals, and
// how far each detector has looked. Existing summaries count as new: they are looked at once.
// Cost: one write of every summary. Undo: DROP CONSTRAINT and DROP INDEX by name.
CREATE CONSTRAINT workspace_id IF NOT EXISTS
FOR (n:Workspace) REQUIRE (n.workspace_id) IS UNIQUE;

CREATE CONSTRAINT detection_mark_id IF NOT EXISTS
FOR (n:DetectionMark) REQUIRE (n.workspace_id, n.id) IS UNIQUE;

CREATE INDEX entity_summary_by_change IF NOT EXISTS
FOR (n:EntitySummary) ON (n.workspace_id, n.change);

CREATE INDEX removal_by_change IF NOT EXISTS
FOR (n:Removal) ON (n.workspace_id, n.change);

// A summary of no project has an empty name: only then can an index find it.
MATCH (s:EntitySummary) WHERE s.project_name IS NULL SET s.project_name = '';

MATCH (s:EntitySummary) WHERE s.change IS NULL
WITH s.workspace_id AS workspace_id, collect(s) AS summaries
MERGE (w:Workspace {workspace_id: workspace_id})
WITH w, summaries, coalesce(w.changes, 0) AS before
SET w.changes = before + size(summaries)
WITH summaries, before
UNWIND range(0, size(summaries) - 1) AS place
WITH summaries[place] AS s, before + place + 1 AS change
SET s.change = change;
