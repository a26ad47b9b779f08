"""Source files as nodes, with what they define."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, LiteralString

from neo4j import AsyncManagedTransaction

from shared.domain.code.parsed import ParsedCode
from shared.domain.entities import CodeEntity
from shared.domain.signals import Signals
from shared.graph.entity_words import words_of_code
from shared.graph.import_terms import import_properties
from shared.graph.mentions import mentions_of_code
from shared.graph.statements import Row, run_rows

# The first SET takes the lock of a node that is there, before its version is read.
SAVE_CODE: Final[LiteralString] = """
UNWIND $rows AS row
MERGE (c:CodeEntity {workspace_id: row.workspace_id, id: row.id})
ON MATCH SET c.written_at = datetime()
WITH c, row WHERE c.updated_at IS NULL OR c.updated_at <= row.properties.updated_at
SET c = row.properties
RETURN row.workspace_id AS workspace_id, row.id AS id
"""


def _forget(relationship: LiteralString) -> LiteralString:
    return f"""
UNWIND $rows AS row
MATCH (c:CodeEntity {{workspace_id: row.workspace_id, id: row.id}})
MATCH (c)-[:{relationship}]->(d {{workspace_id: row.workspace_id}})
WHERE NOT d.name IN row.names
DETACH DELETE d
"""


def _define(label: LiteralString, relationship: LiteralString) -> LiteralString:
    return f"""
UNWIND $rows AS row
MATCH (c:CodeEntity {{workspace_id: row.workspace_id, id: row.id}})
MERGE (d:{label} {{workspace_id: row.workspace_id, parent_id: row.id, name: row.name}})
SET d += row.properties
MERGE (c)-[:{relationship}]->(d)
"""


FORGET_FUNCTIONS: Final[LiteralString] = _forget("DEFINES_FUNCTION")
FORGET_CLASSES: Final[LiteralString] = _forget("DEFINES_CLASS")
FORGET_COMPONENTS: Final[LiteralString] = _forget("DEFINES_COMPONENT")
DEFINE_FUNCTIONS: Final[LiteralString] = _define("Function", "DEFINES_FUNCTION")
DEFINE_CLASSES: Final[LiteralString] = _define("Class", "DEFINES_CLASS")
DEFINE_COMPONENTS: Final[LiteralString] = _define("ReactComponent", "DEFINES_COMPONENT")


@dataclass(frozen=True, slots=True)
class MeasuredCode:
    """A source file with all that is computed from its text."""

    entity: CodeEntity
    parsed: ParsedCode
    signals: Signals
    embedding: list[float]


async def save_code(
    tx: AsyncManagedTransaction, files: Sequence[MeasuredCode]
) -> list[MeasuredCode]:
    """Write files and return those written: not one that the graph has in a newer version."""
    # In a thread: the words of a batch of long texts must not keep the heartbeat from running.
    rows = await asyncio.to_thread(lambda: [code_row(file) for file in files])
    written = await run_rows(tx, SAVE_CODE, rows)
    keys = {(row["workspace_id"], row["id"]) for row in written}
    return [f for f in files if (f.entity.workspace_id, str(f.entity.id)) in keys]


async def save_definitions(tx: AsyncManagedTransaction, files: Sequence[MeasuredCode]) -> None:
    """Write what written files define, and forget what they no longer do."""
    await _replace(tx, FORGET_FUNCTIONS, DEFINE_FUNCTIONS, files, functions_of)
    await _replace(tx, FORGET_CLASSES, DEFINE_CLASSES, files, classes_of)
    await _replace(tx, FORGET_COMPONENTS, DEFINE_COMPONENTS, files, _components)


async def _replace(
    tx: AsyncManagedTransaction,
    forget: LiteralString,
    define: LiteralString,
    files: Sequence[MeasuredCode],
    find: Callable[[ParsedCode], dict[str, Row]],
) -> None:
    found = [(_key(file.entity), find(file.parsed)) for file in files]
    await run_rows(tx, forget, [key | {"names": list(kinds)} for key, kinds in found])
    rows = (
        key | {"name": name, "properties": properties}
        for key, kinds in found
        for name, properties in kinds.items()
    )
    await run_rows(tx, define, list(rows))


def _key(entity: CodeEntity) -> Row:
    return {"workspace_id": entity.workspace_id, "id": str(entity.id)}


def code_row(file: MeasuredCode) -> Row:
    """Return a file's key and all properties of its node."""
    entity = file.entity
    properties = {
        **_key(entity),
        "user_id": str(entity.user_id),
        "path": entity.path,
        "name": entity.name,
        "type": entity.type,
        "language": entity.language,
        "content": entity.content,
        "project_name": entity.project_name,
        "created_at": entity.created_at,
        "updated_at": entity.updated_at,
        "metadata": json.dumps(entity.metadata, ensure_ascii=False),
        "embedding": file.embedding,
        "words": words_of_code(entity),
        "terms": list(mentions_of_code(entity, file.parsed.names).terms()),
        **import_properties(entity, file.parsed.imports),
    }
    return _key(entity) | {"properties": properties}


def functions_of(parsed: ParsedCode) -> dict[str, Row]:
    """Return the properties of a file's functions by their names."""
    return {
        found.name: {
            "async": found.is_async,
            "generator": found.is_generator,
            "params": list(found.params),
            "returnType": found.return_type,
        }
        for found in parsed.functions
    }


def classes_of(parsed: ParsedCode) -> dict[str, Row]:
    """Return the properties of a file's classes by their names."""
    return {
        found.name: {"extends": list(found.extends), "methods": list(found.methods)}
        for found in parsed.classes
    }


def _components(parsed: ParsedCode) -> dict[str, Row]:
    return {
        found.name: {"hooks": list(found.hooks), "props": list(found.props)}
        for found in parsed.components
    }
