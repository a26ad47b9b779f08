"""Read-only Cypher from the command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final, cast

from pydantic import JsonValue
from rich.markup import escape
from rich.table import Table

from cli.connection import find_settings, open_neo4j
from cli.errors import UsageError
from cli.terminal import out, plain, print_json
from shared.graph.read_query import run_read_query

NUMBERS_SHOWN: Final = 16
Row = dict[str, JsonValue]


def parse_parameters(given: Sequence[str]) -> Row:
    """Return `name=value` pairs as parameters; a value that is no JSON is text.

    Raises:
        UsageError: a pair has no name or no `=`.
    """
    parameters: Row = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise UsageError(
                f"--param {pair!r} is no name=value", next_step="For example: --param limit=5"
            )
        parameters[name] = _parse(value)
    return parameters


async def run_query(cypher: str, parameters: Row) -> Sequence[Row]:
    """Return the rows.

    Raises:
        DependencyDownError: Neo4j does not answer.
        InvalidInputError: the query writes, or is wrong.
    """
    async with open_neo4j(find_settings()) as driver:
        return await run_read_query(driver, cypher, parameters)


def show_rows(rows: Sequence[Row], *, as_json: bool) -> None:
    """Print rows as JSON or as a table."""
    if as_json:
        print_json([*rows])
        return
    if not rows:
        out().print("[dim]no rows[/]")
        return
    table = Table(*(escape(name) for name in rows[0]))
    for row in rows:
        table.add_row(*(plain(_show(value)) for value in row.values()))
    out().print(table)


def _parse(value: str) -> JsonValue:
    try:
        return cast(JsonValue, json.loads(value))
    except ValueError:
        return value


def _show(value: JsonValue) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(_abbreviate(value), ensure_ascii=False)


def _abbreviate(value: JsonValue) -> JsonValue:
    """Return the value with its vectors replaced by their length; --json shows them."""
    if isinstance(value, dict):
        return {name: _abbreviate(item) for name, item in value.items()}
    if not isinstance(value, list):
        return value
    if len(value) > NUMBERS_SHOWN and all(isinstance(item, int | float) for item in value):
        return f"{len(value)} numbers"
    return [_abbreviate(item) for item in value]
