"""What people read in place of the names of the graph's edges, from a node to its neighbour."""

from __future__ import annotations

from typing import Final

EDGE_WORDS: Final = {
    "preceded_by": "comes after",
    "followed_by": "comes before",
    "references": "mentions",
    "discussed_in": "is mentioned in",
    "imports": "imports",
    "imported_by": "is imported by",
    "evidence": "is derived from",
    "evidence_of": "is evidence of",
    "in_session": "is of the session",
    "in_project": "is of the project",
    "has_memory": "has the memory",
    "has_code": "has the file",
    "has_pattern": "has the pattern",
}
WORDS_FOR_MANY: Final = EDGE_WORDS | {
    "has_memory": "has the memories",
    "has_code": "has the files",
    "has_pattern": "has the patterns",
}
