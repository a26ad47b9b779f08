// Full text of memories and source files. A word in `words` bears the key of its workspace: what one
// workspace searches cannot find, count or rank by another one's texts (shared/graph/entity_words.py).
// Nodes written before this have no words: who applies this adds them (shared/graph/missing_words.py).
// Cost: a new index, and one write of every memory and file, 500 a transaction; cypher-shell leaves
// that out, until `supastate migrate` runs. Undo: DROP INDEX by name, and REMOVE n.words.
CREATE FULLTEXT INDEX entity_words IF NOT EXISTS
FOR (n:Memory|CodeEntity) ON EACH [n.words]
OPTIONS {indexConfig: {`fulltext.analyzer`: 'whitespace'}};

// The patterns around a project.
CREATE INDEX pattern_of_project IF NOT EXISTS
FOR (n:Pattern) ON (n.workspace_id, n.project_name);
