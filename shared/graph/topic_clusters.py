"""The clusters that topics are: a seed, and the memories in the ball around it.

Every statement starts at named memories or clusters and goes to what is near them: what one costs
does not grow with the project. Cosines are computed from the stored vectors, so two memories are as
alike from either side; the vector indexes, which are approximate, only propose.
"""

from __future__ import annotations

from typing import Final, LiteralString

NEAREST_SEEDS: Final = 50
"""The most seeds around one memory; they lie far apart, so few fit."""
NEIGHBOURS: Final = 50
"""The most neighbours of one memory that are looked at; five make it a possible seed."""
PULLED: Final = 500
"""The most memories that a new seed draws from the vector index, beside what it takes over."""
LEFT: Final = 500
"""The most members of a lost cluster that are tried as seeds in one round, by id."""
MARGIN: Final = 0.02
"""How far a vector index's cosine may be off (0.005 was measured): only closer to the threshold is
a cosine reckoned anew, which costs more than the search."""

# What left its place, or is written anew, is first in no ball.
LEAVE: Final[LiteralString] = """
UNWIND $ids AS id
MATCH (t:TopicMember {workspace_id: $workspace_id, id: id})
      -[near:NEAR]->(c {workspace_id: $workspace_id})
USING INDEX SEEK t:TopicMember(workspace_id, id)
DELETE near
RETURN DISTINCT c.id AS id
"""
FIND_LOST_SEEDS: Final[LiteralString] = """
UNWIND $ids AS id
MATCH (c:SemanticCluster {workspace_id: $workspace_id, seed_id: id})
OPTIONAL MATCH (s:EntitySummary {workspace_id: $workspace_id, id: id})
USING INDEX SEEK s:EntitySummary(workspace_id, id)
WITH c, s
WHERE s.embedding IS NULL OR s.embedding <> c.seed_embedding OR s.project_name <> c.project_name
RETURN c.id AS id
"""
# A search within the transaction may propose what the transaction has changed: hence the checks.
JOIN: Final[LiteralString] = """
CYPHER 25
UNWIND $ids AS id
MATCH (s:EntitySummary {workspace_id: $workspace_id, id: id})
USING INDEX SEEK s:EntitySummary(workspace_id, id)
WHERE s.embedding IS NOT NULL AND s.entity_type = 'memory'
CALL (s) {
    MATCH (c:SemanticCluster)
    SEARCH c IN (
        VECTOR INDEX semantic_cluster_seeds FOR s.embedding
        WHERE c.workspace_id = $workspace_id AND c.project_name = s.project_name
        LIMIT $neighbours
    ) SCORE AS score
    WITH s, c WHERE 2 * score - 1 >= $cosine - $margin AND c.seed_id IS NOT NULL
    RETURN c, 2 * vector.similarity.cosine(s.embedding, c.seed_embedding) - 1 AS similarity
}
WITH s, c, similarity WHERE similarity >= $cosine
MERGE (t:TopicMember {workspace_id: $workspace_id, id: s.id})
SET t.occurred_at = s.occurred_at, t.user_id = s.user_id
MERGE (t)-[near:NEAR]->(c)
SET near.similarity = similarity
"""
# Of memories with one vector the seed is the one with the smallest id: its ball stays the same.
RENAME_SEEDS: Final[LiteralString] = """
UNWIND $ids AS id
MATCH (t:TopicMember {workspace_id: $workspace_id, id: id})
      -[near:NEAR]->(c {workspace_id: $workspace_id})
USING INDEX SEEK t:TopicMember(workspace_id, id)
WHERE near.similarity > 0.9999 AND id < c.seed_id
MATCH (s:EntitySummary {workspace_id: $workspace_id, id: id})
USING INDEX SEEK s:EntitySummary(workspace_id, id)
WHERE s.embedding = c.seed_embedding
WITH c, min(id) AS seed_id
SET c.seed_id = seed_id
"""
FIND_WEAK: Final[LiteralString] = """
UNWIND $ids AS id
MATCH (c:SemanticCluster {workspace_id: $workspace_id, id: id})
USING INDEX SEEK c:SemanticCluster(workspace_id, id)
WHERE c.seed_id IS NOT NULL AND COUNT { (c)<-[:NEAR]-() } < $minimum
RETURN c.id AS id
"""
# Its name is free for a seed among its members, which are still known by it.
VACATE: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (c:SemanticCluster {workspace_id: $workspace_id, id: row.id})
USING INDEX SEEK c:SemanticCluster(workspace_id, id)
SET c.id = row.vacant, c.seed_id = null, c.seed_embedding = null
RETURN row.id AS id, row.vacant AS vacant, c.project_name AS project_name,
       c.created_at AS created_at
"""
FIND_NEIGHBOURS: Final[LiteralString] = """
CYPHER 25
UNWIND $ids AS id
MATCH (s:EntitySummary {workspace_id: $workspace_id, id: id})
USING INDEX SEEK s:EntitySummary(workspace_id, id)
WHERE s.embedding IS NOT NULL AND s.entity_type = 'memory'
CALL (s) {
    MATCH (n:EntitySummary)
    SEARCH n IN (
        VECTOR INDEX entity_summary_neighbours FOR s.embedding
        WHERE n.workspace_id = $workspace_id AND n.entity_type = 'memory'
          AND n.project_name = s.project_name
        LIMIT $neighbours
    ) SCORE AS score
    WITH s, n, 2 * score - 1 AS similarity
    WHERE n.id <> s.id AND similarity >= $cosine - $margin
      AND (similarity >= $cosine + $margin
           OR 2 * vector.similarity.cosine(s.embedding, n.embedding) - 1 >= $cosine)
    RETURN collect(n.id) AS neighbours
}
RETURN id, neighbours
"""
# A memory in the ball of a seed with a smaller id is none, however many neighbours it has.
FIND_FREE: Final[LiteralString] = """
UNWIND $ids AS id
WITH id WHERE NOT EXISTS {
    MATCH (t:TopicMember {workspace_id: $workspace_id, id: id})
          -[:NEAR]->(c {workspace_id: $workspace_id})
    USING INDEX SEEK t:TopicMember(workspace_id, id)
    WHERE c.seed_id <= id
}
MATCH (s:EntitySummary {workspace_id: $workspace_id, id: id})
USING INDEX SEEK s:EntitySummary(workspace_id, id)
WHERE s.embedding IS NOT NULL AND s.entity_type = 'memory'
RETURN id
"""
FIND_LEFT: Final[LiteralString] = """
UNWIND $ids AS vacant
MATCH (v:SemanticCluster {workspace_id: $workspace_id, id: vacant})
      <-[:NEAR]-(t {workspace_id: $workspace_id})
USING INDEX SEEK v:SemanticCluster(workspace_id, id)
WHERE NOT t.id IN $tried
WITH DISTINCT t
WHERE NOT EXISTS { MATCH (t)-[:NEAR]->(c {workspace_id: $workspace_id}) WHERE c.seed_id <= t.id }
RETURN t.id AS id ORDER BY id LIMIT $limit
"""
READ_CANDIDATES: Final[LiteralString] = """
UNWIND $ids AS id
MATCH (s:EntitySummary {workspace_id: $workspace_id, id: id})
USING INDEX SEEK s:EntitySummary(workspace_id, id)
OPTIONAL MATCH (t:TopicMember {workspace_id: $workspace_id, id: id})
      -[:NEAR]->(c {workspace_id: $workspace_id})
USING INDEX SEEK t:TopicMember(workspace_id, id)
RETURN id, s.project_name AS project_name, s.embedding AS embedding, collect(c.id) AS clusters
"""
SEAT: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (s:EntitySummary {workspace_id: $workspace_id, id: row.seed_id})
USING INDEX SEEK s:EntitySummary(workspace_id, id)
MERGE (c:SemanticCluster {workspace_id: $workspace_id, id: row.id})
SET c.seed_id = s.id, c.seed_embedding = s.embedding, c.project_name = s.project_name,
    c.created_at = coalesce(row.created_at, datetime())
"""
_PULL: Final[LiteralString] = """
WITH c, s, 2 * vector.similarity.cosine(s.embedding, c.seed_embedding) - 1 AS similarity
WHERE similarity >= $cosine
MERGE (t:TopicMember {workspace_id: $workspace_id, id: s.id})
SET t.occurred_at = s.occurred_at, t.user_id = s.user_id
MERGE (t)-[near:NEAR]->(c)
SET near.similarity = similarity
"""
PULL_NEIGHBOURS: Final[LiteralString] = f"""
CYPHER 25
UNWIND $rows AS row
MATCH (c:SemanticCluster {{workspace_id: $workspace_id, id: row.id}})
USING INDEX SEEK c:SemanticCluster(workspace_id, id)
CALL (c) {{
    MATCH (s:EntitySummary)
    SEARCH s IN (
        VECTOR INDEX entity_summary_neighbours FOR c.seed_embedding
        WHERE s.workspace_id = $workspace_id AND s.entity_type = 'memory'
          AND s.project_name = c.project_name
        LIMIT $limit
    ) SCORE AS score
    WITH s, score WHERE 2 * score - 1 >= $cosine - $margin
    RETURN s
}}
{_PULL}
"""
PULL_MEMBERS: Final[LiteralString] = f"""
UNWIND $rows AS row
MATCH (c:SemanticCluster {{workspace_id: $workspace_id, id: row.id}})
USING INDEX SEEK c:SemanticCluster(workspace_id, id)
UNWIND row.taken AS taken
MATCH (v:SemanticCluster {{workspace_id: $workspace_id, id: taken}})
      <-[:NEAR]-(m {{workspace_id: $workspace_id}})
USING INDEX SEEK v:SemanticCluster(workspace_id, id)
WITH DISTINCT c, m.id AS id
MATCH (s:EntitySummary {{workspace_id: $workspace_id, id: id}})
USING INDEX SEEK s:EntitySummary(workspace_id, id)
WHERE s.project_name = c.project_name
{_PULL}
"""
# What this run brings in, and the vector index did not propose among the nearest.
PULL_NEW: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (c:SemanticCluster {workspace_id: $workspace_id, id: row.id})
USING INDEX SEEK c:SemanticCluster(workspace_id, id)
WITH collect({node: c, project_name: c.project_name, vector: c.seed_embedding}) AS seeds
UNWIND $ids AS id
MATCH (s:EntitySummary {workspace_id: $workspace_id, id: id})
USING INDEX SEEK s:EntitySummary(workspace_id, id)
WHERE s.entity_type = 'memory'
WITH seeds, s, s.project_name AS project_name, s.embedding AS vector
UNWIND seeds AS seed
WITH seed, s, vector WHERE seed.project_name = project_name
WITH seed.node AS c, s, 2 * vector.similarity.cosine(vector, seed.vector) - 1 AS similarity
WHERE similarity >= $cosine
MERGE (t:TopicMember {workspace_id: $workspace_id, id: s.id})
SET t.occurred_at = s.occurred_at, t.user_id = s.user_id
MERGE (t)-[near:NEAR]->(c)
SET near.similarity = similarity
"""
_ASSIGN: Final[LiteralString] = """
CALL (t) {
    OPTIONAL MATCH (t)-[near:NEAR]->(c {workspace_id: $workspace_id})
    WHERE c.seed_id IS NOT NULL
    WITH near, c ORDER BY near.similarity DESC, c.seed_id LIMIT 1
    RETURN c, near.similarity AS similarity
}
OPTIONAL MATCH (s:EntitySummary {workspace_id: $workspace_id, id: t.id})
USING INDEX SEEK s:EntitySummary(workspace_id, id)
OPTIONAL MATCH (s)-[old:IN_CLUSTER]->( {workspace_id: $workspace_id})
WITH t, s, c, similarity, t.cluster_id AS before, collect(old) AS links
FOREACH (link IN links | DELETE link)
FOREACH (target IN CASE WHEN s IS NULL OR c IS NULL THEN [] ELSE [c] END |
    CREATE (s)-[:IN_CLUSTER {similarity: similarity}]->(target))
SET t.cluster_id = CASE WHEN s IS NULL THEN null ELSE c.id END
FOREACH (gone IN CASE WHEN c IS NULL THEN [t] ELSE [] END | DETACH DELETE gone)
WITH before, c.id AS after
UNWIND [before, after] AS id
WITH id WHERE id IS NOT NULL
RETURN DISTINCT id
"""
ASSIGN: Final[LiteralString] = f"""
UNWIND $ids AS id
MATCH (t:TopicMember {{workspace_id: $workspace_id, id: id}})
USING INDEX SEEK t:TopicMember(workspace_id, id)
{_ASSIGN}
"""
ASSIGN_MEMBERS: Final[LiteralString] = f"""
UNWIND $ids AS id
MATCH (v:SemanticCluster {{workspace_id: $workspace_id, id: id}})
      <-[:NEAR]-(t {{workspace_id: $workspace_id}})
USING INDEX SEEK v:SemanticCluster(workspace_id, id)
WITH DISTINCT t
{_ASSIGN}
"""
DELETE_VACANT: Final[LiteralString] = """
UNWIND $ids AS id
MATCH (v:SemanticCluster {workspace_id: $workspace_id, id: id})
USING INDEX SEEK v:SemanticCluster(workspace_id, id)
DETACH DELETE v
RETURN id
"""
