// References by similarity, found from the file; and what the pattern of a discussed file is called.
// Cost: new, empty indexes: only references by similarity have all of the first one's properties.
// Undo: DROP INDEX and DROP CONSTRAINT by name.
CREATE INDEX reference_by_similarity IF NOT EXISTS
FOR ()-[r:REFERENCES_CODE]-() ON (r.workspace_id, r.code_id, r.similarity);

CREATE CONSTRAINT discussed_file_id IF NOT EXISTS
FOR (n:DiscussedFile) REQUIRE (n.workspace_id, n.id) IS UNIQUE;

CREATE INDEX discussed_file_of_project IF NOT EXISTS
FOR (n:DiscussedFile) ON (n.workspace_id, n.project_name);
