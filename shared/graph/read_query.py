"""Runs a person's own Cypher, which may only read, and turns what it returns into JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any, Final, LiteralString, cast

from neo4j import READ_ACCESS, AsyncDriver, Query
from neo4j.exceptions import AuthError, ClientError
from neo4j.graph import Node, Path, Relationship
from neo4j.spatial import Point
from neo4j.time import Date, DateTime, Duration, Time
from pydantic import JsonValue

from shared.errors import InvalidInputError
from shared.graph.driver import open_session, translated_errors

TIMEOUT_SECONDS: Final = 60.0
_GRAPH_VALUES: Final = (Node, Relationship, Path, Point, Date, DateTime, Duration, Time)


async def run_read_query(
    driver: AsyncDriver,
    cypher: str,
    parameters: Mapping[str, JsonValue] | None = None,
    *,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> list[dict[str, JsonValue]]:
    """Return the rows of a query as JSON values.

    Raises:
        InvalidInputError: the query is wrong, or it wants to write.
        DependencyDownError: Neo4j does not answer.
    """
    # Not a statement of ours: it comes from who runs it, and READ access makes Neo4j refuse writes.
    query = Query(cast(LiteralString, cypher), timeout=timeout_seconds)
    with translated_errors():
        async with open_session(driver, READ_ACCESS) as session:
            try:
                result = await session.run(query, dict(parameters or {}))
                names = result.keys()
                return [_row(names, record.values()) async for record in result]
            except AuthError:
                raise
            except ClientError as error:
                raise InvalidInputError("cypher", error.message or str(error)) from error


def _row(names: Iterable[str], values: Iterable[Any]) -> dict[str, JsonValue]:
    return {name: to_json(value) for name, value in zip(names, values, strict=True)}


def to_json(value: Any) -> JsonValue:
    """Return a graph value as JSON: an entity as an object, a time in ISO 8601."""
    if isinstance(value, _GRAPH_VALUES):  # first: an entity is a mapping too, a point a tuple
        return _describe(value)
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in cast(Mapping[str, Any], value).items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in cast(Sequence[Any], value)]
    if isinstance(value, float):
        return value if isfinite(value) else str(value)
    return value if isinstance(value, str | int | None) else str(value)


def _describe(value: Any) -> JsonValue:
    if isinstance(value, Node):
        labels: list[JsonValue] = [*sorted(value.labels)]
        return {"labels": labels, "properties": _row(value.keys(), value.values())}
    if isinstance(value, Relationship):
        return {"type": value.type, "properties": _row(value.keys(), value.values())}
    if isinstance(value, Path):
        return [to_json(part) for part in _parts(value)]
    if isinstance(value, Point):
        return {"srid": value.srid, "coordinates": [float(number) for number in value]}
    return value.iso_format()


def _parts(path: Path) -> list[Node | Relationship]:
    """Return nodes and relationships in the order in which they are passed."""
    parts: list[Node | Relationship] = [path.start_node] if path.start_node else []
    for relationship, node in zip(path.relationships, path.nodes[1:], strict=True):
        parts += [relationship, node]
    return parts
