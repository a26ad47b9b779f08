"""The statements that read a node and, tie by tie, what is one step from it.

Each tie is read by an index or from the node. None reads more than `$most` neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, LiteralString, TypeAlias

NodeKind: TypeAlias = Literal["memory", "code", "pattern", "project", "session"]
Edge: TypeAlias = Literal[
    "preceded_by",
    "followed_by",
    "references",
    "discussed_in",
    "imports",
    "imported_by",
    "evidence",
    "evidence_of",
    "in_session",
    "in_project",
    "has_memory",
    "has_code",
    "has_pattern",
]
_NODE: Final[LiteralString] = """
{
    kind: CASE WHEN n:Memory THEN 'memory' WHEN n:CodeEntity THEN 'code'
               WHEN n:Pattern THEN 'pattern' WHEN n:Project THEN 'project' ELSE 'session' END,
    id: CASE WHEN n:Project THEN n.name ELSE n.id END,
    name: CASE WHEN n:Pattern THEN n.name + ' · ' + n.period
               ELSE coalesce(n.path, n.name, n.id) END,
    text: left(n.content, $characters), project_name: n.project_name, session_id: n.session_id,
    confidence: n.confidence, at: coalesce(n.occurred_at, n.last_updated, n.updated_at)
}
"""
# One row whatever there is: how many were read, how many are in time, and the newest of these.
_NEWEST: Final[LiteralString] = f"""
WITH n, link LIMIT $most
WITH n, collect(DISTINCT link.detection_method) AS methods,
     coalesce(n.occurred_at, n.last_updated, n.updated_at) AS at
ORDER BY at DESC, n.id
WITH count(n) AS read, collect(CASE
    WHEN ($since IS NULL OR at IS NULL OR at >= $since)
     AND ($until IS NULL OR at IS NULL OR at < $until)
    THEN {{n: n, methods: methods}} END) AS found
RETURN read, size(found) AS total,
       COLLECT {{
           UNWIND found[..$limit] AS one
           WITH one.n AS n, one.methods AS methods
           RETURN {{node: {_NODE}, methods: methods}}
       }} AS shown
"""
_MEMORY: Final[LiteralString] = """
CYPHER 25
MATCH (m:Memory {workspace_id: $workspace_id, id: $id})
USING INDEX SEEK m:Memory(workspace_id, id)
"""
_CODE: Final[LiteralString] = """
CYPHER 25
MATCH (c:CodeEntity {workspace_id: $workspace_id, id: $id})
USING INDEX SEEK c:CodeEntity(workspace_id, id)
"""
_PATTERN: Final[LiteralString] = """
CYPHER 25
MATCH (p:Pattern {workspace_id: $workspace_id, id: $id})
USING INDEX SEEK p:Pattern(workspace_id, id)
"""
_UNLINKED: Final[LiteralString] = "WITH n, {detection_method: null} AS link"
_ITS_PROJECT: Final[LiteralString] = f"""
MATCH (n:Project {{workspace_id: $workspace_id, name: project_name}})
USING INDEX SEEK n:Project(workspace_id, name)
{_UNLINKED} {_NEWEST}
"""

READ_MEMORY: Final[LiteralString] = f"{_MEMORY} WITH m AS n RETURN {_NODE} AS node"
READ_CODE: Final[LiteralString] = f"{_CODE} WITH c AS n RETURN {_NODE} AS node"
READ_PATTERN: Final[LiteralString] = f"{_PATTERN} WITH p AS n RETURN {_NODE} AS node"
READ_PROJECT: Final[LiteralString] = f"""
CYPHER 25
MATCH (n:Project {{workspace_id: $workspace_id, name: $id}})
USING INDEX SEEK n:Project(workspace_id, name)
RETURN {_NODE} AS node
"""
READ_SESSION: Final[LiteralString] = f"""
CYPHER 25
MATCH (n:Session {{workspace_id: $workspace_id, id: $id}})
USING INDEX SEEK n:Session(workspace_id, id)
RETURN {_NODE} AS node
"""
# The far ends bear no label: with one, the planner may scan the label while it has few nodes.
MEMORY_PRECEDED_BY: Final[LiteralString] = f"""
{_MEMORY} MATCH (m)-[link:PRECEDED_BY]->(n {{workspace_id: $workspace_id}}) {_NEWEST}
"""
MEMORY_FOLLOWED_BY: Final[LiteralString] = f"""
{_MEMORY} MATCH (m)<-[link:PRECEDED_BY]-(n {{workspace_id: $workspace_id}}) {_NEWEST}
"""
MEMORY_REFERENCES: Final[LiteralString] = f"""
{_MEMORY} MATCH (m)-[link:REFERENCES_CODE]->(n {{workspace_id: $workspace_id}}) {_NEWEST}
"""
MEMORY_EVIDENCE_OF: Final[LiteralString] = f"""
{_MEMORY} MATCH (m)<-[link:DERIVED_FROM]-(n {{workspace_id: $workspace_id}}) {_NEWEST}
"""
MEMORY_IN_SESSION: Final[LiteralString] = f"""
{_MEMORY} WITH m.session_id AS session_id
MATCH (n:Session {{workspace_id: $workspace_id, id: session_id}})
USING INDEX SEEK n:Session(workspace_id, id)
{_UNLINKED} {_NEWEST}
"""
MEMORY_IN_PROJECT: Final[LiteralString] = f"""
{_MEMORY} WITH m.project_name AS project_name {_ITS_PROJECT}
"""
CODE_DISCUSSED_IN: Final[LiteralString] = f"""
{_CODE} MATCH (c)-[link:DISCUSSED_IN]->(n {{workspace_id: $workspace_id}}) {_NEWEST}
"""
CODE_IMPORTS: Final[LiteralString] = f"""
{_CODE} MATCH (c)-[link:IMPORTS]->(n {{workspace_id: $workspace_id}}) {_NEWEST}
"""
CODE_IMPORTED_BY: Final[LiteralString] = f"""
{_CODE} MATCH (c)<-[link:IMPORTS]-(n {{workspace_id: $workspace_id}}) {_NEWEST}
"""
CODE_EVIDENCE_OF: Final[LiteralString] = f"""
{_CODE} MATCH (c)<-[link:DERIVED_FROM]-(n {{workspace_id: $workspace_id}}) {_NEWEST}
"""
CODE_IN_PROJECT: Final[LiteralString] = f"""
{_CODE} WITH c.project_name AS project_name {_ITS_PROJECT}
"""
PATTERN_EVIDENCE: Final[LiteralString] = f"""
{_PATTERN} MATCH (p)-[link:DERIVED_FROM]->(n {{workspace_id: $workspace_id}}) {_NEWEST}
"""
PATTERN_IN_PROJECT: Final[LiteralString] = f"""
{_PATTERN} WITH p.project_name AS project_name {_ITS_PROJECT}
"""
# Naming all of the index's properties lets it take the index's order instead of sorting.
PROJECT_MEMORIES: Final[LiteralString] = f"""
CYPHER 25
MATCH (n:Memory)
USING INDEX SEEK n:Memory(workspace_id, project_name, occurred_at)
WHERE n.workspace_id = $workspace_id AND n.project_name = $id
  AND n.occurred_at >= coalesce($since, datetime('0001-01-01'))
  AND n.occurred_at < coalesce($until, datetime('9999-01-01'))
WITH n ORDER BY n.workspace_id DESC, n.project_name DESC, n.occurred_at DESC LIMIT $most
{_UNLINKED} {_NEWEST}
"""
PROJECT_CODE: Final[LiteralString] = f"""
CYPHER 25
MATCH (n:CodeEntity)
USING INDEX SEEK n:CodeEntity(workspace_id, project_name, path)
WHERE n.workspace_id = $workspace_id AND n.project_name = $id AND n.path IS NOT NULL
{_UNLINKED} {_NEWEST}
"""
PROJECT_PATTERNS: Final[LiteralString] = f"""
CYPHER 25
MATCH (n:Pattern)
USING INDEX SEEK n:Pattern(workspace_id, project_name)
WHERE n.workspace_id = $workspace_id AND n.project_name = $id
{_UNLINKED} {_NEWEST}
"""
SESSION_MEMORIES: Final[LiteralString] = f"""
CYPHER 25
MATCH (n:Memory)
USING INDEX SEEK n:Memory(workspace_id, session_id, place_in_session)
WHERE n.workspace_id = $workspace_id AND n.session_id = $id AND n.place_in_session IS NOT NULL
{_UNLINKED} {_NEWEST}
"""
NODES: Final[Mapping[NodeKind, LiteralString]] = {
    "memory": READ_MEMORY,
    "code": READ_CODE,
    "pattern": READ_PATTERN,
    "project": READ_PROJECT,
    "session": READ_SESSION,
}
EDGES: Final[Mapping[NodeKind, Mapping[Edge, LiteralString]]] = {
    "memory": {
        "preceded_by": MEMORY_PRECEDED_BY,
        "followed_by": MEMORY_FOLLOWED_BY,
        "references": MEMORY_REFERENCES,
        "evidence_of": MEMORY_EVIDENCE_OF,
        "in_session": MEMORY_IN_SESSION,
        "in_project": MEMORY_IN_PROJECT,
    },
    "code": {
        "discussed_in": CODE_DISCUSSED_IN,
        "imports": CODE_IMPORTS,
        "imported_by": CODE_IMPORTED_BY,
        "evidence_of": CODE_EVIDENCE_OF,
        "in_project": CODE_IN_PROJECT,
    },
    "pattern": {"evidence": PATTERN_EVIDENCE, "in_project": PATTERN_IN_PROJECT},
    "project": {
        "has_memory": PROJECT_MEMORIES,
        "has_code": PROJECT_CODE,
        "has_pattern": PROJECT_PATTERNS,
    },
    "session": {"has_memory": SESSION_MEMORIES},
}
