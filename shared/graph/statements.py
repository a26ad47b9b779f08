"""Runs one statement over many rows, in pieces that Neo4j's memory can hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, LiteralString, TypeAlias

from neo4j import AsyncManagedTransaction, AsyncResult

Row: TypeAlias = dict[str, Any]  # what Bolt carries: any value of a property

MAX_ROWS: Final = 1000


async def run_rows(
    tx: AsyncManagedTransaction, statement: LiteralString, rows: Sequence[Row], **parameters: Any
) -> list[Row]:
    """Run `statement` with `$rows`, at most `MAX_ROWS` at a time, and return what it returns.

    Rows are sent in the order of their keys: two transactions that lock the same nodes lock them
    in the same order, so neither waits for the other in a circle.
    """
    ordered = sorted(rows, key=_key)
    found: list[Row] = []
    for start in range(0, len(ordered), MAX_ROWS):
        piece = ordered[start : start + MAX_ROWS]
        found += await (await tx.run(statement, rows=piece, **parameters)).data()
    return found


async def read_rows(result: AsyncResult) -> list[Row]:
    """Return a result's rows as they came; `data()` goes through every number of a vector."""
    return [dict(zip(record.keys(), record.values(), strict=True)) async for record in result]


async def read_collected(
    tx: AsyncManagedTransaction, statement: LiteralString, parameters: Row
) -> list[Row]:
    """Return `rows`, the list of maps that the statement collects into its one record.

    Of sixty records the driver waits for each: that takes four times as long.
    """
    record = await (await tx.run(statement, parameters)).single(strict=True)
    return record["rows"]


def still_there(rows: Iterable[Row], field: str = "occurred_at") -> list[Row]:
    """Return the rows without those of nodes that were removed while they were read.

    `field` is one that every node has, and the last of those that the statement returns.
    """
    return [row for row in rows if is_there(row, field)]


def is_there(row: Row, field: str = "occurred_at") -> bool:
    """Return whether a row is whole: Neo4j reads no snapshot, and what is gone has only nulls."""
    return row.get(field) is not None


def _key(row: Row) -> tuple[str, str]:
    return row["workspace_id"], row["id"]
