"""The statements that read patterns with their evidence."""

from __future__ import annotations

from typing import Final, LiteralString

_WANTED: Final[LiteralString] = """
MATCH (p:Pattern)
WHERE p.workspace_id = $workspace_id
  AND ($types = [] OR p.type IN $types)
  AND ($project_name IS NULL OR p.project_name = $project_name)
  AND p.confidence >= $minimum_confidence
  AND ($since IS NULL OR p.last_at >= $since)
  AND ($until IS NULL OR p.first_at < $until)
  AND ($text IS NULL
       OR toLower(p.type + ' ' + p.name + ' ' + p.project_name + ' ' + p.metadata) CONTAINS $text)
  AND ($only IS NULL OR p.id IN $only)
  AND NOT p.id IN $without
"""
# With nanoseconds, which the driver's datetime would cut off.
_PLACE: Final[LiteralString] = """
WITH p, p.last_updated.epochSeconds * 1000000000 + p.last_updated.nanosecond AS place
"""
# The content of what is shown alone is read.
_WITH_EVIDENCE: Final[LiteralString] = """
CALL (p) {
    OPTIONAL MATCH (p)-[:DERIVED_FROM]->(e {workspace_id: $workspace_id})
    WITH e ORDER BY e.occurred_at, e.id
    WITH collect(e) AS sources
    RETURN size(sources) AS evidence_count,
           [e IN sources[..$evidence] | e {.id, kind: labels(e)[0], .session_id, .occurred_at,
                                       .chunk_id, .path, excerpt: left(e.content, $excerpt)}
           ] AS evidence
}
RETURN p {.*, place: place} AS pattern, evidence_count, evidence
"""
LIST_SUREST: Final[LiteralString] = f"""
{_WANTED}
  AND ($after IS NULL OR p.confidence < $after.confidence OR (p.confidence = $after.confidence
       AND (p.frequency < $after.frequency
            OR (p.frequency = $after.frequency AND p.id > $after.id))))
WITH p ORDER BY p.confidence DESC, p.frequency DESC, p.id LIMIT $limit
{_PLACE}
{_WITH_EVIDENCE}
ORDER BY p.confidence DESC, p.frequency DESC, p.id
"""
LIST_NEWEST: Final[LiteralString] = f"""
{_WANTED} {_PLACE}
WITH p, place WHERE $after IS NULL OR place < $after.place
                 OR (place = $after.place AND p.id > $after.id)
WITH p, place ORDER BY place DESC, p.id LIMIT $limit
{_WITH_EVIDENCE}
ORDER BY place DESC, p.id
"""
FIND_PATTERN: Final[LiteralString] = f"""
MATCH (p:Pattern {{workspace_id: $workspace_id, id: $id}})
{_PLACE}
{_WITH_EVIDENCE}
"""
# What stands on the same evidence, most of it first.
FIND_RELATED: Final[LiteralString] = """
MATCH (p:Pattern {workspace_id: $workspace_id, id: $id})
      -[:DERIVED_FROM]->(e {workspace_id: $workspace_id})
USING INDEX SEEK p:Pattern(workspace_id, id)
MATCH (e)<-[:DERIVED_FROM]-(other {workspace_id: $workspace_id}) WHERE other <> p
RETURN other.id AS id, other.type AS type, other.name AS name, other.period AS period,
       other.project_name AS project_name, other.confidence AS confidence, count(e) AS shared
ORDER BY shared DESC, confidence DESC, id LIMIT $limit
"""
