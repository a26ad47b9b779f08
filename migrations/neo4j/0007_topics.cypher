// Topics: a cluster lies around its seed, and a member remembers whose ball it is in also when its
// summary is gone. Members are read by cluster, the newest first; clusters by the seed's vector.
// Cost: new, empty indexes. Undo: DROP CONSTRAINT and DROP INDEX by name.
CREATE CONSTRAINT semantic_cluster_id IF NOT EXISTS
FOR (n:SemanticCluster) REQUIRE (n.workspace_id, n.id) IS UNIQUE;

CREATE CONSTRAINT topic_member_id IF NOT EXISTS
FOR (n:TopicMember) REQUIRE (n.workspace_id, n.id) IS UNIQUE;

CREATE INDEX semantic_cluster_of_seed IF NOT EXISTS
FOR (n:SemanticCluster) ON (n.workspace_id, n.seed_id);

CREATE INDEX semantic_cluster_of_project IF NOT EXISTS
FOR (n:SemanticCluster) ON (n.workspace_id, n.project_name);

CREATE INDEX topic_member_by_time IF NOT EXISTS
FOR (n:TopicMember) ON (n.workspace_id, n.cluster_id, n.occurred_at);

// Filtered inside the index: the nearest seeds of a memory's own project, and of no other workspace.
CREATE VECTOR INDEX semantic_cluster_seeds IF NOT EXISTS
FOR (n:SemanticCluster) ON n.seed_embedding
WITH [n.workspace_id, n.project_name]
OPTIONS {indexConfig: {
    `vector.dimensions`: $dimensions, `vector.similarity_function`: 'cosine',
    `vector.quantization.type`: 'NONE'
}};
