"""What is shown of a memory or file in a list: where it is from and the beginning of its text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from neo4j import AsyncManagedTransaction

from shared.graph.entity_words import Kind
from shared.graph.search_candidates import Key
from shared.graph.statements import Row, read_collected, still_there

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
RETURN collect(n {.id, .project_name, .session_id, .user_id, .path, .language, kind: key.kind,
                  occurred_at: toString(coalesce(n.occurred_at, n.updated_at)),
                  text: left(n.content, $characters), is_whole: size(n.content) <= $characters,
                  metadata: CASE WHEN size(n.metadata) <= 20000 THEN n.metadata END}) AS rows
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
    tx: AsyncManagedTransaction, workspace_id: str, keys: Iterable[Key], *, characters: int
) -> dict[Key, Head]:
    """Return what there is of the entities, each with the beginning of its text."""
    asked = [{"kind": kind, "id": key} for kind, key in dict.fromkeys(keys)]
    values: Row = {"workspace_id": workspace_id, "keys": asked, "characters": characters}
    rows = still_there(await read_collected(tx, READ_HEADS, values), "text")
    return {head.key: head for head in map(read_head, rows)}


def read_moment(text: str) -> datetime:
    """Return a moment that Neo4j wrote out: the driver takes far longer to read one."""
    return datetime.fromisoformat(text.partition("[")[0])  # "…Z[Etc/UTC]"


def read_head(row: Row) -> Head:
    """Return the head of a row."""
    moment, source = row["occurred_at"], json.loads(row.get("metadata") or "{}").get("source")
    own: Row = {name: value for name, value in row.items() if name != "metadata"}
    own["occurred_at"] = moment and read_moment(moment)
    own["source"] = source[:64] if isinstance(source, str) else None
    return Head(**own)
