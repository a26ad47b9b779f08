"""Which files import which, whatever order they arrive in."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, LiteralString, TypeAlias

from neo4j import AsyncManagedTransaction

from shared.domain.code.import_paths import resolve_imports
from shared.domain.code.parsed import Import
from shared.domain.import_words import words_of_path
from shared.graph.code import MeasuredCode
from shared.graph.import_terms import import_properties, import_terms
from shared.graph.statements import Row, run_rows
from shared.graph.terms import any_of

Project: TypeAlias = tuple[str, str]

FIND_PATHS: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (c:CodeEntity {workspace_id: row.workspace_id, project_name: row.id})
WHERE c.path IS NOT NULL
RETURN row.workspace_id AS workspace_id, row.id AS project_name, collect(c.path) AS paths
"""
FIND_IMPORTERS: Final[LiteralString] = """
UNWIND $rows AS row
CALL db.index.fulltext.queryNodes('code_entity_import_terms', row.query) YIELD node
WITH DISTINCT node, row.workspace_id AS workspace_id
WHERE node.workspace_id = workspace_id
RETURN node.workspace_id AS workspace_id, node.id AS id, node.project_name AS project_name,
       node.path AS path, node.imports AS imports
"""
LOAD_IMPORTERS: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (c:CodeEntity {workspace_id: row.workspace_id, id: row.id})
RETURN c.workspace_id AS workspace_id, c.id AS id, c.project_name AS project_name,
       c.path AS path, c.imports AS imports
"""
FORGET_IMPORTS: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (c:CodeEntity {workspace_id: row.workspace_id, id: row.id})
MATCH (c)-[old:IMPORTS]->(target {workspace_id: row.workspace_id})
WHERE NOT target.path IN row.paths
DELETE old
"""
LINK_IMPORTS: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (c:CodeEntity {workspace_id: row.workspace_id, id: row.id})
MATCH (target:CodeEntity {
    workspace_id: row.workspace_id, project_name: row.project_name, path: row.path
})
MERGE (c)-[link:IMPORTS]->(target)
SET link.specifiers = row.specifiers
"""


async def link_imports(tx: AsyncManagedTransaction, files: Sequence[MeasuredCode]) -> None:
    """Link written files to what they import, and earlier ones to those that they waited for.

    The projects must be locked: `lock_owners`.
    """
    importers = {row["id"]: row for row in await _find_importers(tx, files)}
    importers |= {str(file.entity.id): _importer(file) for file in files}
    await _link(tx, importers.values())


async def relink_importers(tx: AsyncManagedTransaction, files: Sequence[Row]) -> None:
    """Link files, by workspace and id, to what their imports mean now. Safe to repeat.

    The projects must be locked.
    """
    await _link(tx, await run_rows(tx, LOAD_IMPORTERS, files))


async def _link(tx: AsyncManagedTransaction, importers: Collection[Row]) -> None:
    known = await _find_paths(tx, importers)
    resolved = [(row, _resolve(row, known)) for row in importers]
    await run_rows(tx, FORGET_IMPORTS, [row | {"paths": list(found)} for row, found in resolved])
    links = (
        row | {"path": path, "specifiers": list(specifiers)}
        for row, found in resolved
        for path, specifiers in found.items()
    )
    await run_rows(tx, LINK_IMPORTS, list(links))


async def _find_paths(
    tx: AsyncManagedTransaction, importers: Iterable[Row]
) -> dict[Project, frozenset[str]]:
    projects = {(row["workspace_id"], row["project_name"]) for row in importers}
    rows = [{"workspace_id": workspace_id, "id": name} for workspace_id, name in projects]
    return {
        (row["workspace_id"], row["project_name"]): frozenset(row["paths"])
        for row in await run_rows(tx, FIND_PATHS, rows)
    }


async def _find_importers(tx: AsyncManagedTransaction, files: Iterable[MeasuredCode]) -> list[Row]:
    rows = [
        {
            "workspace_id": file.entity.workspace_id,
            "id": str(file.entity.id),
            "query": any_of(import_terms(file.entity, words)),
        }
        for file in files
        if (words := words_of_path(file.entity.path))
    ]
    return await run_rows(tx, FIND_IMPORTERS, rows)


def _importer(file: MeasuredCode) -> Row:
    entity = file.entity
    return {
        "workspace_id": entity.workspace_id,
        "id": str(entity.id),
        "project_name": entity.project_name,
        "path": entity.path,
        "imports": import_properties(entity, file.parsed.imports)["imports"],
    }


def _resolve(row: Row, known: Mapping[Project, frozenset[str]]) -> dict[str, tuple[str, ...]]:
    imports = [Import(module, tuple(names)) for module, names in json.loads(row["imports"])]
    paths = known.get((row["workspace_id"], row["project_name"]), frozenset[str]())
    return resolve_imports(row["path"], imports, paths)
