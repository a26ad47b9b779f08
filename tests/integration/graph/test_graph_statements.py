"""House rules of every statement that writes or searches the graph."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from inspect import isfunction, signature
from itertools import product
from pkgutil import iter_modules
from types import ModuleType
from typing import LiteralString, cast, get_args

import pytest
from neo4j import AsyncDriver

import shared.graph
from shared.domain.findings import Signal
from shared.domain.search_query import read_query
from shared.graph.entity_words import Filters
from shared.graph.migrate import DEFAULT_DIMENSIONS, read_migrations
from tests.integration.graph.builders import NOON

NOT_OF_A_WORKSPACE = {"checkup", "migrate", "missing_words"}  # for the whole graph, once
PARAMETERS = {
    "rows": [],
    "limit": 1,
    "candidates": 1,
    "neighbours": 1,
    "most_by_words": 1,
    "most_by_meaning": 1,
    "most_of_language": 1,
    "most_of_session": 1,
    "vector": [0.5] * DEFAULT_DIMENSIONS,
    "workspace_id": "team:none",
    "project_name": "none",
}
EVERYTHING = Filters("memory", "p", "s", "l", "u", NOON, NOON)
ARGUMENTS: Mapping[str, Sequence[object]] = {
    "signal": get_args(Signal),
    "query": (read_query("a word"), read_query('"a phrase"')),
    "filters": (Filters(), EVERYTHING, Filters(language="l"), replace(EVERYTHING, session_id=None)),
    "has_words": (True, False),
}
CLAUSES = re.compile(
    r"\b(MATCH|MERGE|CREATE|WHERE|SET|ON|RETURN|WITH|DELETE|UNWIND|CALL|USING|SEARCH|ORDER|YIELD)\b"
)
NODE = re.compile(r"\((\w*)(?::(\w+))?\s*(?:\{([^}]*)\})?\)")
MERGED = re.compile(r"MERGE \(\w*:(\w+) \{([^}]*)\}\)")
CONSTRAINT = re.compile(r"FOR \(n:(\w+)\) REQUIRE \(([^)]*)\) IS UNIQUE")


def modules() -> Iterator[ModuleType]:
    """Yield all modules of the graph that keep to a workspace."""
    for found in iter_modules(shared.graph.__path__):
        if found.name not in NOT_OF_A_WORKSPACE:
            yield import_module(f"shared.graph.{found.name}")


def statements() -> Iterator[tuple[str, LiteralString]]:
    """Yield the graph's statements with their names: public constants, and one a signal."""
    for module in modules():
        for name, value in list(vars(module).items()):
            place = f"{module.__name__.rpartition('.')[2]}.{name}"
            if (
                name.startswith("_")
                or getattr(value, "__module__", module.__name__) != module.__name__
            ):
                continue
            if _is_declared(module, name):
                yield from _declared(place, value)
            elif isfunction(value) and signature(value).return_annotation == "LiteralString":
                names = signature(value).parameters
                choices = enumerate(product(*(ARGUMENTS[one] for one in names)))
                yield from (
                    (f"{place}({number})", value(**dict(zip(names, chosen, strict=True))))
                    for number, chosen in choices
                )


def _declared(place: str, value: object) -> Iterator[tuple[str, LiteralString]]:
    if isinstance(value, Mapping):
        for key, one in cast("Mapping[str, object]", value).items():
            yield from _declared(f"{place}[{key}]", one)
    elif isinstance(value, tuple):
        for n, one in enumerate(cast("tuple[LiteralString, ...]", value)):
            yield f"{place}[{n}]", one
    elif CLAUSES.search(str(value)) is not None:  # else it is a part of statements
        yield place, cast("LiteralString", value)


def _is_declared(module: ModuleType, name: str) -> bool:
    return "LiteralString" in str(module.__annotations__.get(name))


STATEMENTS = dict(statements())


def test_every_module_that_runs_statements_has_some_to_check() -> None:
    checked = {name.partition(".")[0] for name in STATEMENTS}
    assert {
        "neighbours",
        "findings",
        "pattern_statements",
        "search_statements",
        "sessions",
    } <= checked
    every = list(modules())
    undeclared = [
        f"{module.__name__}.{name}"
        for module in every
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str) and CLAUSES.search(value)
        if not any(_is_declared(one, name) for one in every)  # where it is imported from
    ]
    assert undeclared == []


@pytest.mark.parametrize("name", STATEMENTS)
async def test_a_statement_never_scans(name: str, neo4j_driver: AsyncDriver) -> None:
    statement = STATEMENTS[name].strip()
    prefix = "CYPHER 25" if statement.startswith("CYPHER 25") else ""
    async with neo4j_driver.session() as session:  # pyright: ignore[reportUnknownMemberType]
        explained = f"{prefix} EXPLAIN {statement.removeprefix(prefix)}"
        summary = await (await session.run(explained, PARAMETERS)).consume()

    drawing = str(summary.plan)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    assert "string-representation" in drawing
    assert "AllNodesScan" not in drawing, drawing
    assert "NodeByLabelScan" not in drawing, drawing


def patterns(statement: str) -> Iterator[str]:
    """Yield the text of each clause that looks nodes up or merges them."""
    parts = CLAUSES.split(statement)
    for clause, text in zip(parts[1::2], parts[2::2], strict=True):
        if clause in {"MATCH", "MERGE"}:
            yield text


def unscoped(statement: str) -> list[str]:
    """Return the nodes that are looked up, anywhere in a statement, without their workspace."""
    nodes = [node for text in patterns(statement) for node in NODE.finditer(text)]
    scoped = {node[1] for node in nodes if node[1] and "workspace_id:" in (node[3] or "")}
    scoped |= set(
        re.findall(r"(\w+)\.workspace_id = (?:row\.workspace_id|\$?workspace_id)", statement)
    )
    return [
        node[0]
        for node in nodes
        if node[1] not in scoped and "workspace_id:" not in (node[3] or "")
    ]


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_names_the_workspace_of_every_node_it_looks_up(name: str) -> None:
    assert unscoped(STATEMENTS[name]) == []


@pytest.mark.parametrize(
    "statement",
    [
        "MATCH (m:Memory {id: $id}) RETURN m, $workspace_id",
        "MATCH (m:Memory {workspace_id: $workspace_id, id: $id})-[:NEXT]->(n) RETURN n",
        "MATCH (m:Memory {workspace_id: $workspace_id})-[:NEXT]->() DELETE m",
        "MERGE (p:Project {name: $name}) RETURN p.name, $workspace_id",
    ],
)
def test_a_node_without_its_workspace_is_noticed(statement: str) -> None:
    assert len(unscoped(statement)) == 1


def merged_keys() -> set[tuple[str, tuple[str, ...]]]:
    """Return the label and properties of every node that a statement merges."""
    found = (pair for statement in STATEMENTS.values() for pair in MERGED.findall(statement))
    return {(label, tuple(re.findall(r"(\w+):", keys))) for label, keys in found}


def test_every_key_that_is_merged_has_a_constraint() -> None:
    cypher = "".join(migration.cypher for migration in read_migrations())
    constraints = {
        (label, tuple(re.findall(r"n\.(\w+)", keys))) for label, keys in CONSTRAINT.findall(cypher)
    }
    assert ("Pattern", ("workspace_id", "id")) in merged_keys()
    assert merged_keys() <= constraints
