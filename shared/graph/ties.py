"""The statements that read a node and, tie by tie, what is one step from it: one a kind of node.

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
# The far ends bear no label: with one, the planner may scan the label while it has few nodes.
_TIED: Final[LiteralString] = "(n {workspace_id: $workspace_id})"
_UNLINKED: Final[LiteralString] = f"WITH n, {{detection_method: null}} AS link {_NEWEST}"
_IN_PROJECT: Final[LiteralString] = f"""
WITH centre.project_name AS project_name
MATCH (n:Project {{workspace_id: $workspace_id, name: project_name}})
USING INDEX SEEK n:Project(workspace_id, name)
{_UNLINKED}
"""
_IN_SESSION: Final[LiteralString] = f"""
WITH centre.session_id AS session_id
MATCH (n:Session {{workspace_id: $workspace_id, id: session_id}})
USING INDEX SEEK n:Session(workspace_id, id)
{_UNLINKED}
"""
# Naming all of the index's properties lets it take the index's order instead of sorting.
_PROJECT_MEMORIES: Final[LiteralString] = f"""
MATCH (n:Memory)
USING INDEX SEEK n:Memory(workspace_id, project_name, occurred_at)
WHERE n.workspace_id = $workspace_id AND n.project_name = $id
  AND n.occurred_at >= coalesce($since, datetime('0001-01-01'))
  AND n.occurred_at < coalesce($until, datetime('9999-01-01'))
WITH n ORDER BY n.workspace_id DESC, n.project_name DESC, n.occurred_at DESC LIMIT $most
{_UNLINKED}
"""
_PROJECT_CODE: Final[LiteralString] = f"""
MATCH (n:CodeEntity)
USING INDEX SEEK n:CodeEntity(workspace_id, project_name, path)
WHERE n.workspace_id = $workspace_id AND n.project_name = $id AND n.path IS NOT NULL
{_UNLINKED}
"""
_PROJECT_PATTERNS: Final[LiteralString] = f"""
MATCH (n:Pattern)
USING INDEX SEEK n:Pattern(workspace_id, project_name)
WHERE n.workspace_id = $workspace_id AND n.project_name = $id
{_UNLINKED}
"""
_SESSION_MEMORIES: Final[LiteralString] = f"""
MATCH (n:Memory)
USING INDEX SEEK n:Memory(workspace_id, session_id, place_in_session)
WHERE n.workspace_id = $workspace_id AND n.session_id = $id AND n.place_in_session IS NOT NULL
{_UNLINKED}
"""
_FROM_NODE: Final[LiteralString] = "MATCH (centre)"
_EVIDENCE_OF: Final[LiteralString] = f"{_FROM_NODE}<-[link:DERIVED_FROM]-{_TIED} {_NEWEST}"
_TIES: Final[Mapping[NodeKind, Mapping[Edge, LiteralString]]] = {
    "memory": {
        "preceded_by": f"{_FROM_NODE}-[link:PRECEDED_BY]->{_TIED} {_NEWEST}",
        "followed_by": f"{_FROM_NODE}<-[link:PRECEDED_BY]-{_TIED} {_NEWEST}",
        "references": f"{_FROM_NODE}-[link:REFERENCES_CODE]->{_TIED} {_NEWEST}",
        "evidence_of": _EVIDENCE_OF,
        "in_session": _IN_SESSION,
        "in_project": _IN_PROJECT,
    },
    "code": {
        "discussed_in": f"{_FROM_NODE}-[link:DISCUSSED_IN]->{_TIED} {_NEWEST}",
        "imports": f"{_FROM_NODE}-[link:IMPORTS]->{_TIED} {_NEWEST}",
        "imported_by": f"{_FROM_NODE}<-[link:IMPORTS]-{_TIED} {_NEWEST}",
        "evidence_of": _EVIDENCE_OF,
        "in_project": _IN_PROJECT,
    },
    "pattern": {
        "evidence": f"{_FROM_NODE}-[link:DERIVED_FROM]->{_TIED} {_NEWEST}",
        "in_project": _IN_PROJECT,
    },
    "project": {
        "has_memory": _PROJECT_MEMORIES,
        "has_code": _PROJECT_CODE,
        "has_pattern": _PROJECT_PATTERNS,
    },
    "session": {"has_memory": _SESSION_MEMORIES},
}
_CENTRES: Final[Mapping[NodeKind, LiteralString]] = {
    "memory": """
MATCH (centre:Memory {workspace_id: $workspace_id, id: $id})
USING INDEX SEEK centre:Memory(workspace_id, id)
""",
    "code": """
MATCH (centre:CodeEntity {workspace_id: $workspace_id, id: $id})
USING INDEX SEEK centre:CodeEntity(workspace_id, id)
""",
    "pattern": """
MATCH (centre:Pattern {workspace_id: $workspace_id, id: $id})
USING INDEX SEEK centre:Pattern(workspace_id, id)
""",
    "project": """
MATCH (centre:Project {workspace_id: $workspace_id, name: $id})
USING INDEX SEEK centre:Project(workspace_id, name)
""",
    "session": """
MATCH (centre:Session {workspace_id: $workspace_id, id: $id})
USING INDEX SEEK centre:Session(workspace_id, id)
""",
}


def _statement(kind: NodeKind) -> LiteralString:
    """Return what reads a node with all its ties, each by itself; one not asked for reads none."""
    # The limit ends a part of the plan: without it, ties are read before anyone asks whether to.
    ties: list[LiteralString] = [
        f"WITH centre LIMIT 1 WHERE '{edge}' IN $edges {tie}, '{edge}' AS edge"
        for edge, tie in _TIES[kind].items()
    ]
    return f"""
CYPHER 25
{_CENTRES[kind]}
CALL (centre) {{
{" UNION ALL ".join(ties)}
}}
WITH centre AS n, collect({{edge: edge, read: read, total: total, shown: shown}}) AS ties
RETURN {_NODE} AS node, ties
"""


EDGES: Final[Mapping[NodeKind, tuple[Edge, ...]]] = {
    kind: tuple(ties) for kind, ties in _TIES.items()
}
NEIGHBOURHOODS: Final[Mapping[NodeKind, LiteralString]] = {kind: _statement(kind) for kind in _TIES}
"""Of each kind of node the one statement that reads it with all that is one step away."""
