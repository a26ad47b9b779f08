"""The statements that find what a search may return.

Each filters by the workspace inside its index; what it costs does not grow with others.
"""

from __future__ import annotations

from typing import Final, LiteralString

from shared.domain.search_query import SearchQuery
from shared.graph.entity_words import Filters

BY_WORDS: Final = 60
BY_MEANING: Final = 30
"""Of each kind of search: what is ranked; nothing behind it is returned.

The vector index takes half a search's time, and twice as many change nothing in benchmarks/search.
"""
MOST_OF_LANGUAGE: Final = 1_000
"""Files of one language that are compared one by one: the vector index cannot filter by it."""
MOST_OF_SESSION: Final = 5_000
LINKS: Final = 8
"""Neighbours of one seed by one kind of tie."""
LIMITS: Final = {
    "most_by_words": BY_WORDS,
    "most_by_meaning": BY_MEANING,
    "most_of_language": MOST_OF_LANGUAGE,
    "most_of_session": MOST_OF_SESSION,
}

_FOUND: Final[LiteralString] = """
n.id AS id, CASE WHEN n:Memory THEN 'memory' ELSE 'code' END AS kind,
       2 * vector.similarity.cosine(n.embedding, $vector) - 1 AS similarity
"""
_COLLECT: Final[LiteralString] = "collect({id: id, kind: kind, similarity: similarity"
_IN_TIME: Final[LiteralString] = """
  AND ($since IS NULL OR coalesce(n.occurred_at, n.updated_at) >= $since)
  AND ($until IS NULL OR coalesce(n.occurred_at, n.updated_at) < $until)
"""
_FILTERED: Final[LiteralString] = f"""
  AND ($kind IS NULL OR ($kind = 'memory') = n:Memory)
  AND ($project_name IS NULL OR n.project_name = $project_name)
  AND ($session_id IS NULL OR n.session_id = $session_id)
  AND ($language IS NULL OR n.language = $language)
  AND ($user_id IS NULL OR n.user_id = $user_id)
{_IN_TIME}
"""
FIND_BY_WORDS: Final[LiteralString] = f"""
CALL db.index.fulltext.queryNodes('entity_words', $words, {{limit: $most_by_words}})
YIELD node AS n, score
WHERE n.workspace_id = $workspace_id {_IN_TIME}
WITH {_FOUND}, score
ORDER BY score DESC, id
RETURN {_COLLECT}, score: score}}) AS by_words
"""
# The project of an entity without one is '' in its summary.
_SUMMARIES: Final[LiteralString] = """
MATCH (s:EntitySummary) SEARCH s IN (
    VECTOR INDEX entity_summary_neighbours FOR $vector
    WHERE s.workspace_id = $workspace_id
"""
_NEAREST: Final[LiteralString] = f"""
ORDER BY similarity DESC, id LIMIT $most_by_meaning
RETURN {_COLLECT}}}) AS nearest
"""
# The index holds whole vectors: its score is the exact cosine.
_SCORED: Final[LiteralString] = f"""
    LIMIT $most_by_meaning
) SCORE AS score
WITH s.entity_id AS id, s.entity_type AS kind, 2 * score - 1 AS similarity
{_NEAREST}
"""
COMPARE_SESSION: Final[LiteralString] = f"""
MATCH (n:Memory)
USING INDEX SEEK n:Memory(workspace_id, session_id, place_in_session)
WHERE n.workspace_id = $workspace_id AND n.session_id = $session_id
  AND n.place_in_session IS NOT NULL
WITH n LIMIT $most_of_session
WHERE n.embedding IS NOT NULL {_FILTERED}
WITH {_FOUND}
{_NEAREST}
"""
COMPARE_LANGUAGE: Final[LiteralString] = f"""
CALL db.index.fulltext.queryNodes('entity_words', $filters, {{limit: $most_of_language}})
YIELD node AS n
WHERE n.workspace_id = $workspace_id AND n.embedding IS NOT NULL {_FILTERED}
WITH {_FOUND}
{_NEAREST}
"""
_SEED: Final[LiteralString] = """
    WITH seed WHERE seed.kind = 'memory'
    MATCH (m:Memory {workspace_id: $workspace_id, id: seed.id})
    USING INDEX SEEK m:Memory(workspace_id, id)
"""
_CODE_SEED: Final[LiteralString] = """
    WITH seed WHERE seed.kind = 'code'
    MATCH (c:CodeEntity {workspace_id: $workspace_id, id: seed.id})
    USING INDEX SEEK c:CodeEntity(workspace_id, id)
"""
# The far ends bear no label: with one, the planner may scan the label while it has few nodes.
FIND_TIED: Final[LiteralString] = f"""
CYPHER 25
UNWIND $seeds AS seed
CALL (seed) {{
    {_SEED}
    MATCH (m)-[:PRECEDED_BY]-(n {{workspace_id: $workspace_id}})
    RETURN n, 'same_session' AS tie, null AS through LIMIT $links
  UNION
    {_SEED}
    MATCH (m)-[:REFERENCES_CODE]->(n {{workspace_id: $workspace_id}})
    RETURN n, 'mentioned_in' AS tie, null AS through LIMIT $links
  UNION
    {_CODE_SEED}
    MATCH (c)-[:DISCUSSED_IN]->(n {{workspace_id: $workspace_id}})
    RETURN n, 'mentions' AS tie, null AS through LIMIT $links
  UNION
    {_SEED}
    MATCH (m)<-[:DERIVED_FROM]-(p {{workspace_id: $workspace_id}})
          -[:DERIVED_FROM]->(n {{workspace_id: $workspace_id}})
    WHERE n <> m
    RETURN n, 'same_pattern' AS tie, p.id AS through LIMIT $links
}}
WITH seed, n, tie, through
WHERE n.embedding IS NOT NULL {_FILTERED}
WITH {_FOUND}, seed, tie, through
RETURN {_COLLECT}, seed_kind: seed.kind, seed_id: seed.id,
                       tie: tie, through: through}}) AS rows
"""


def find_query(query: SearchQuery, filters: Filters, *, has_words: bool = True) -> LiteralString:
    """Return the one statement that finds what there is by words and by meaning.

    Where a phrase must occur, what has it is also all that can be near.
    """
    nothing: LiteralString = "RETURN [] AS {}"
    by_words = FIND_BY_WORDS if has_words else nothing.format("by_words")
    nearest = nothing.format("nearest") if query.phrases else _nearest_query(filters)
    return f"""
    CYPHER 25
    CALL () {{ {by_words} }}
    CALL () {{ {nearest} }}
    RETURN by_words, nearest
    """


def _nearest_query(filters: Filters) -> LiteralString:
    """Return the part that asks the vector index for what the filters let through.

    It cannot filter by session or language: what has it is compared one by one.
    """
    if filters.session_id is not None:
        return COMPARE_SESSION
    if filters.language is not None:
        return COMPARE_LANGUAGE
    conditions: list[LiteralString] = [_SUMMARIES]
    if filters.kind:
        conditions.append("AND s.entity_type = $kind")
    if filters.project_name:
        conditions.append("AND s.project_name = $project_name")
    if filters.user_id:
        conditions.append("AND s.user_id = $user_id")
    if filters.since:
        conditions.append("AND s.occurred_at >= $since")
    if filters.until:
        conditions.append("AND s.occurred_at < $until")
    return "\n".join([*conditions, _SCORED])
