// The graph of memories and code: one uniqueness constraint for each MERGE key, one index for each
// lookup. Keys start with workspace_id: the same id in two workspaces is two nodes.
// $dimensions is the length of the embedder's vectors; cypher-shell: `:param dimensions => 256`.
// Cost: new, empty indexes. Undo: DROP CONSTRAINT and DROP INDEX by name.
CREATE CONSTRAINT memory_id IF NOT EXISTS
FOR (n:Memory) REQUIRE (n.workspace_id, n.id) IS UNIQUE;

CREATE CONSTRAINT code_entity_id IF NOT EXISTS
FOR (n:CodeEntity) REQUIRE (n.workspace_id, n.id) IS UNIQUE;

CREATE CONSTRAINT entity_summary_id IF NOT EXISTS
FOR (n:EntitySummary) REQUIRE (n.workspace_id, n.id) IS UNIQUE;

CREATE CONSTRAINT project_name IF NOT EXISTS
FOR (n:Project) REQUIRE (n.workspace_id, n.name) IS UNIQUE;

CREATE CONSTRAINT user_id IF NOT EXISTS
FOR (n:User) REQUIRE (n.workspace_id, n.id) IS UNIQUE;

CREATE CONSTRAINT session_id IF NOT EXISTS
FOR (n:Session) REQUIRE (n.workspace_id, n.id) IS UNIQUE;

CREATE CONSTRAINT function_of_file IF NOT EXISTS
FOR (n:Function) REQUIRE (n.workspace_id, n.parent_id, n.name) IS UNIQUE;

CREATE CONSTRAINT class_of_file IF NOT EXISTS
FOR (n:Class) REQUIRE (n.workspace_id, n.parent_id, n.name) IS UNIQUE;

CREATE CONSTRAINT react_component_of_file IF NOT EXISTS
FOR (n:ReactComponent) REQUIRE (n.workspace_id, n.parent_id, n.name) IS UNIQUE;

// The neighbours of a memory in its session.
CREATE INDEX memory_in_session IF NOT EXISTS
FOR (n:Memory) ON (n.workspace_id, n.session_id, n.place_in_session);

CREATE INDEX memory_by_time IF NOT EXISTS
FOR (n:Memory) ON (n.workspace_id, n.project_name, n.occurred_at);

// What a memory's tool calls name, and what an import may mean.
CREATE INDEX code_entity_path IF NOT EXISTS
FOR (n:CodeEntity) ON (n.workspace_id, n.project_name, n.path);

// The newest of a workspace or project, for the detectors.
CREATE INDEX entity_summary_by_time IF NOT EXISTS
FOR (n:EntitySummary) ON (n.workspace_id, n.occurred_at);

CREATE INDEX entity_summary_of_project_by_time IF NOT EXISTS
FOR (n:EntitySummary) ON (n.workspace_id, n.project_name, n.occurred_at);

// Search reads words that bear their workspace's key instead: 0008.
DROP INDEX memory_content IF EXISTS;

// Terms that join a memory with code, or an import with a file, whichever arrives first. A term is a
// digest that holds workspace and project, so a look-up cannot leave them; one value is one term.
CREATE FULLTEXT INDEX memory_terms IF NOT EXISTS
FOR (n:Memory) ON EACH [n.terms]
OPTIONS {indexConfig: {`fulltext.analyzer`: 'keyword'}};

CREATE FULLTEXT INDEX code_entity_terms IF NOT EXISTS
FOR (n:CodeEntity) ON EACH [n.terms]
OPTIONS {indexConfig: {`fulltext.analyzer`: 'keyword'}};

CREATE FULLTEXT INDEX code_entity_import_terms IF NOT EXISTS
FOR (n:CodeEntity) ON EACH [n.import_terms]
OPTIONS {indexConfig: {`fulltext.analyzer`: 'keyword'}};

// The only vector index of entities: a summary has its entity's vector. Filtered inside the index: a
// search never sees another workspace, and what a detector counts is not crowded out by what is nearer
// but another user's or without the signal. 0000 says why its vectors are whole.
DROP INDEX entity_summary_embedding IF EXISTS;

CREATE VECTOR INDEX entity_summary_neighbours IF NOT EXISTS
FOR (n:EntitySummary) ON n.embedding
WITH [
    n.workspace_id, n.project_name, n.entity_type, n.user_id, n.occurred_at,
    n.is_debugging, n.is_learning, n.is_refactoring, n.is_problem_solving,
    n.is_solution, n.is_implementation
]
OPTIONS {indexConfig: {
    `vector.dimensions`: $dimensions, `vector.similarity_function`: 'cosine',
    `vector.quantization.type`: 'NONE'
}};
