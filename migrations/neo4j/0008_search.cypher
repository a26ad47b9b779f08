// Full text of memories and source files. A word in `words` bears the key of its workspace: what one
// workspace searches cannot find, count or rank by another one's texts (shared/graph/entity_words.py).
// Nodes written before this have no words: `supastate migrate` adds them, in batches.
// Cost: a new index, empty until then. Undo: DROP INDEX by name, and REMOVE n.words.
CREATE FULLTEXT INDEX entity_words IF NOT EXISTS
FOR (n:Memory|CodeEntity) ON EACH [n.words]
OPTIONS {indexConfig: {`fulltext.analyzer`: 'whitespace'}};

// The patterns around a project.
CREATE INDEX pattern_of_project IF NOT EXISTS
FOR (n:Pattern) ON (n.workspace_id, n.project_name);
