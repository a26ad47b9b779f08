"""What is shown of a memory or file in a list: where it is from and the beginning of its text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from neo4j import AsyncDriver, AsyncManagedTransaction

from shared.graph.driver import read
from shared.graph.entity_words import Kind
from shared.graph.search_candidates import Key
from shared.graph.statements import Row, still_there

TITLE_CHARACTERS: Final = 100

READ_HEADS: Final[LiteralString] = """
CYPHER 25
UNWIND $keys AS key
CALL (key) {
    WITH key WHERE key.kind = 'memory'
    MATCH (n:Memory {workspace_id: $workspace_id, id: key.id})
    USING INDEX SEEK n:Memory(workspace_id, id)
    RETURN n
  UNION
    WITH key WHERE key.kind = 'code'
    MATCH (n:CodeEntity {workspace_id: $workspace_id, id: key.id})
    USING INDEX SEEK n:CodeEntity(workspace_id, id)
    RETURN n
}
RETURN key.kind AS kind, n.id AS id, n.project_name AS project_name, n.session_id AS session_id,
       n.user_id AS user_id, n.path AS path, n.language AS language,
       coalesce(n.occurred_at, n.updated_at) AS occurred_at,
       left(n.content, $characters) AS text, size(n.content) <= $characters AS is_whole,
       CASE WHEN size(n.metadata) <= 20000 THEN n.metadata END AS metadata
"""


@dataclass(frozen=True, slots=True)
class Head:
    """A memory or a file, without most of its text."""

    kind: Kind
    id: str
    project_name: str | None
    session_id: str | None
    user_id: str | None
    path: str | None
    language: str | None
    occurred_at: datetime | None
    """Of a file: when it was last stored."""
    text: str
    is_whole: bool
    source: str | None = None
    """Which program it is from: `claude-code`, `git`, …"""

    @property
    def key(self) -> Key:
        return self.kind, self.id

    @property
    def title(self) -> str:
        """Return a file's path, or how a memory begins, on one line."""
        line = " ".join(self.text[: 4 * TITLE_CHARACTERS].split())
        return self.path or (line if len(line) <= TITLE_CHARACTERS else line[:99].rstrip() + "…")


async def read_heads(
    driver: AsyncDriver, workspace_id: str, keys: Iterable[Key], *, characters: int
) -> dict[Key, Head]:
    """Return what there is of the entities, each with the beginning of its text."""
    rows = [{"kind": kind, "id": key} for kind, key in dict.fromkeys(keys)]

    async def work(tx: AsyncManagedTransaction) -> list[Row]:
        values = {"workspace_id": workspace_id, "keys": rows, "characters": characters}
        return await (await tx.run(READ_HEADS, values)).data()

    heads = [read_head(row) for row in still_there(await read(driver, work), "text")]
    return {head.key: head for head in heads}


def read_head(row: Row) -> Head:
    """Return the head of a row."""
    moment, source = row["occurred_at"], json.loads(row.get("metadata") or "{}").get("source")
    own: Row = {name: value for name, value in row.items() if name != "metadata"}
    own["occurred_at"] = moment and moment.to_native()
    own["source"] = source[:64] if isinstance(source, str) else None
    return Head(**own)
