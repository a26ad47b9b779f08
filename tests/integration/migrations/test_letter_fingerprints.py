"""What makes dead letters one group: the same error, whatever its numbers, names and places."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from shared.domain.tracebacks import own_frame

Conn = AsyncConnection[TupleRow]
TITLES = {
    "could not parse 'abc' at 12:30": "could not parse <text> at <n>",
    "can't open '/var/x.txt' now": "can't open <text> now",
    "no memory 3f2504e0-4f89-11d3-9a0c-0305e82c3301": "no memory <uuid>",
    "read https://x.y/z?q=1 after 3.5s": "read <url> after <n>s",
    "0xDEADBEEF and 9f86d081884c7d65 and facade": "<hex> and <hex> and facade",
    "user4711 sent utf8 or sha256": "user<n> sent utf8 or sha256",
    "no file ./a/b/c.py or C:\\a\\b.py": "no file <path> or <path>",
    "and/or, 50% of  10,000\n lines": "and/or, <n>% of <n> lines",
    'got "x" and `y`': "got <text> and <text>",
    "Neo4j does not answer": "Neo4j does not answer",
    "": "",
    "ü\x7f'": "ü\x7f'",
}
PATHS = [
    "/app/site-packages/shared/graph/code.py", "/home/cli/src/services/ingest/app.py",
    "C:\\src\\cli\\main.py", "shared/graph/code.py", "/usr/lib/python3.12/shared/x.py",
    "/app/site-packages/neo4j/shared/x.py", "/app/dist-packages/faststream_pgmq/x.py",
    "/tests/x.py",
]  # fmt: skip


async def ask(conn: Conn, question: Any, *values: Any) -> list[Any]:
    return [row[0] for row in await (await conn.execute(question, values)).fetchall()]


async def test_a_title_leaves_out_what_differs(conn: Conn) -> None:
    titles = await ask(
        conn, "SELECT letter_title(one) FROM unnest(%s::text[]) AS one", list(TITLES)
    )

    assert dict(zip(TITLES, titles, strict=True)) == TITLES


async def test_the_database_names_the_frame_that_readers_see_marked(conn: Conn) -> None:
    frame = '  File "{}", line 3, in save\n    x\n'
    texts = [frame.format(path) for path in PATHS]
    texts += ["".join(texts), "".join(reversed(texts)), "", "no traceback", 'File "a", line x, in']

    frames = await ask(conn, "SELECT letter_frame(one) FROM unnest(%s::text[]) AS one", texts)

    assert frames == [own_frame(text) for text in texts]
    assert frames.count("") == 6


@pytest.mark.timeout(60, func_only=True)
async def test_a_hostile_error_is_described_in_no_time(conn: Conn) -> None:
    for text in (
        "'" * 1_000_000,
        "/" * 1_000_000,
        "a/" * 500_000,
        '  File "' * 100_000,
        "0x" * 9**6,
    ):
        took = await ask(
            conn,
            "SELECT extract(epoch FROM clock_timestamp() - began)::float FROM ("
            "SELECT clock_timestamp() AS began, letter_title(%s), letter_frame(%s) OFFSET 0) AS it",
            text, text,
        )  # fmt: skip
        assert took[0] < 2.0


async def test_letters_of_before_the_migration_are_noted(conn: Conn) -> None:
    letter = (
        "INSERT INTO pgmq.q_memory_ingestion_dlq (vt, message, headers) VALUES (now(), '{}', %s)"
    )
    await conn.execute(letter, ('{"group": "team:x", "dead_letter": {"error": "KeyError"}}',))
    before = await ask(conn, "SELECT fingerprint FROM dead_letters")
    await conn.execute("DELETE FROM dead_letters")

    await conn.execute("SELECT watch_dead_letters('memory_ingestion')")

    assert await ask(conn, "SELECT fingerprint FROM dead_letters") == before
    assert await ask(conn, "SELECT error FROM dead_letters") == ["KeyError"]
