"""What the pages Search and Graph show, in the order and words of a page. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import quote

from pydantic import JsonValue

from services.api.entity_answers import EntityFound
from services.api.graph_answers import NeighbourhoodFound, NodeFound
from services.api.search_answers import Hit, SnippetFound
from shared.domain.edge_words import EDGE_WORDS
from shared.errors import InvalidInputError

SHOWN_CHARACTERS: Final = 20_000
TIES: Final = {
    "same_session": "next to it in one session",
    "mentioned_in": "mentioned in",
    "mentions": "mentions",
    "same_pattern": "evidence of one pattern with",
    "before": "before it in the session",
    "after": "after it in the session",
    "imports": "imports",
    "imported_by": "imported by",
}
METHODS: Final = {
    "tool_path": "a tool call or commit names it",
    "name_match": "a name that only it has",
    "similarity": "alike in meaning, with a shared sign",
}
TONES: Final = {"done": "ok", "dead": "bad", "running": "busy", "retrying": "warn"}


def read_day(text: str, field: str, *, is_end: bool = False) -> datetime | None:
    """Return the beginning of a day in UTC, of the following one where it ends a range.

    Raises:
        InvalidInputError: it is no day.
    """
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
        return datetime.combine(day, time.min, UTC) + timedelta(days=int(is_end))
    except (ValueError, OverflowError) as error:
        raise InvalidInputError(field, "is no day; write it as 2026-01-31") from error


def snippet_parts(snippet: SnippetFound) -> Iterator[tuple[str, bool]]:
    """Yield the text in pieces, each with whether it was searched for."""
    place = 0
    for start, end in snippet.highlights:
        yield snippet.text[place:start], False
        yield snippet.text[start:end], True
        place = end
    yield snippet.text[place:], False


def describe_hit(hit: Hit) -> dict[str, Any]:
    """Return a result with what a page says of it."""
    graph = hit.why.graph
    return {
        "hit": hit,
        "parts": list(snippet_parts(hit.snippet)),
        "ties": [(TIES[tie.tie], tie) for tie in graph.ties] if graph else [],
        "graph": graph_path(hit.kind, hit.id),
    }


def describe_entity(entity: EntityFound) -> dict[str, Any]:
    """Return a memory or file with what its page says of it."""
    return {
        "entity": entity,
        "content": entity.content[:SHOWN_CHARACTERS],
        "cut": max(0, len(entity.content) - SHOWN_CHARACTERS),
        "related": [
            (TIES[one.tie], one, [METHODS.get(name, name) for name in one.methods])
            for one in entity.related
        ],
        "tones": TONES,
        "metadata": _indented(entity.metadata),
        "graph": graph_path(entity.kind, entity.id),
        "source": f"/api/{'memories' if entity.kind == 'memory' else 'code'}/{entity.id}",
    }


def _indented(metadata: dict[str, JsonValue]) -> str:
    text = json.dumps(metadata, ensure_ascii=False, indent=2) if metadata else ""
    return text[:SHOWN_CHARACTERS]


def describe_neighbourhood(found: NeighbourhoodFound) -> dict[str, Any]:
    """Return the rows of the table that says what the picture shows."""
    rows = [
        {
            "edge": EDGE_WORDS[one.edge],
            "node": one.node,
            "methods": [METHODS.get(name, name) for name in one.methods],
            "graph": graph_path(one.node.kind, one.node.id),
            "whole": page_path(one.node),
        }
        for one in found.neighbours
    ]
    more = [(EDGE_WORDS[one.edge], one) for one in found.counts if one.more]
    return {"centre": found.centre, "rows": rows, "more": more, "whole": page_path(found.centre)}


def graph_path(kind: str, node_id: str) -> str:
    """Return where a node stands in the middle of the graph."""
    return f"/dashboard/graph/{kind}/{quote(node_id, safe='')}"


def page_path(node: NodeFound) -> str:
    """Return the page that shows a node whole; of a session that is the graph."""
    name = quote(node.id, safe="")
    known = {
        "memory": f"/dashboard/search/memory/{name}",
        "code": f"/dashboard/search/code/{name}",
        "pattern": f"/dashboard/patterns/{name}",
        "project": f"/dashboard/projects/{name}",
    }
    return known.get(node.kind, graph_path(node.kind, node.id))
