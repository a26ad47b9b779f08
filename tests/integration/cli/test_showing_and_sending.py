"""Commands for single things, over the real API: a memory, a file, a message, a letter; as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
from neo4j import AsyncDriver
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from tests.integration.api.letters import file_letters
from tests.integration.cli.conftest import Prompt
from tests.integration.ingest.conftest import store_memory
from tests.integration.patterns.pattern_builders import MONDAY, memory, save

Conn = AsyncConnection[TupleRow]
QUEUE = "memory_ingestion"


async def read(prompt: Prompt, *arguments: str) -> Any:
    done = await prompt.run(*arguments)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


async def test_a_memory_is_shown_whole_and_patterns_are_searched_by_meaning(
    prompt: Prompt, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    one = memory(workspace, "one", "The parser crashed", at=MONDAY)
    await save(neo4j_driver, one)
    memory_id = str(one.entity.id)

    shown = await prompt.run("show", "memory", memory_id)
    unknown = await prompt.run("show", "code", str(uuid4()))

    assert ("The parser crashed" in shown.stdout, "shop" in shown.stdout) == (True, True)
    assert (await read(prompt, "show", "memory", memory_id, "--json"))["id"] == memory_id
    assert (unknown.exit_code, "404" in unknown.stderr) == (1, True)
    assert (await read(prompt, "patterns", "--near", "crash", "--json"))["count"] == 0


async def test_what_is_forgotten_is_told_as_json_and_a_file_leaves_its_project_alone(
    prompt: Prompt, conn: Conn, workspace: str
) -> None:
    gone = await store_memory(conn, workspace)
    await conn.execute(
        """INSERT INTO code_entities (workspace_id, user_id, project_name, path, name,
                                      content, content_hash)
           SELECT %s, gen_random_uuid(), 'shop', path, path, 'x', ''
           FROM unnest(%s::text[]) AS path""",
        (workspace, ["a b.py", "kept.py"]),
    )

    memories = await read(prompt, "forget", f"chunk:{gone.memory_id}", "--json")
    files = await read(prompt, "forget", "--project", "shop", "--file", "a b.py", "--json")
    again = await prompt.run("forget", "--project", "shop", "--file", "a b.py")
    nowhere = await prompt.run("forget", "--file", "kept.py")

    assert memories == {"deleted": [f"chunk:{gone.memory_id}"], "unknown": []}
    assert files == {"deleted": ["a b.py"], "unknown": []}
    assert (again.exit_code, again.stderr) == (1, "a b.py: no such file in this project\n")
    assert (nowhere.exit_code, "--project" in nowhere.stderr) == (2, True)
    left = await (await conn.execute("SELECT path FROM code_entities")).fetchall()
    assert left == [("kept.py",)]


async def test_a_message_and_a_letter_are_printed_whole(
    prompt: Prompt, conn: Conn, workspace: str
) -> None:
    [letter] = await file_letters(conn, workspace, payload={"text": "x" * 50_000})
    job_id = await send_chunk(prompt, "a long story")
    [sent] = (await read(prompt, "jobs", job_id, "--json"))["messages"]

    place = (QUEUE, sent["place"], str(sent["id"]))
    message = await read(prompt, "jobs", "message", job_id, *place, "--json")
    payload = await read(prompt, "dlq", "show", QUEUE, str(letter), "--part", "payload")
    traceback = await prompt.run("dlq", "show", QUEUE, str(letter), "--part", "traceback")
    of_kind = await read(prompt, "jobs", "--kind", "memory", "--until", "2200-01-01", "--json")

    assert message["message"]["content"] == "a long story"
    assert payload == {"text": "x" * 50_000}
    assert "Traceback" in traceback.stdout
    assert [job["id"] for job in of_kind["jobs"]] == [job_id]


async def test_of_several_jobs_one_that_cannot_be_cancelled_does_not_keep_the_others(
    prompt: Prompt,
) -> None:
    unknown = str(uuid4())
    first, second = [await send_chunk(prompt, content) for content in ("one", "two")]

    told = await prompt.run("jobs", "cancel", first, unknown, first)
    answered = await prompt.run("jobs", "cancel", unknown, second, "--json")
    alone = await prompt.run("jobs", "cancel", unknown)

    assert told.stdout == f"{first}: Cancelled 1 messages.\n"
    assert told.stderr == f"{unknown}: the API answered 404: no such job\n"
    failed, done = json.loads(answered.stdout)
    assert failed == {"id": unknown, "error": "the API answered 404: no such job"}
    assert (done["id"], done["cancelled"]) == (second, 1)
    assert [shown.exit_code for shown in (told, answered, alone)] == [1, 1, 1]


async def send_chunk(prompt: Prompt, content: str) -> str:
    url, key = (prompt.environment[f"SUPASTATE_API_{name}"] for name in ("URL", "KEY"))
    body = {"chunks": [{"chunkId": "a", "content": content}]}
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(trust_env=False, headers=headers) as http:
        return (await http.post(f"{url}/api/ingest/memory", json=body)).json()["jobId"]


async def test_a_queue_is_shown_from_one_moment_to_another(prompt: Prompt, conn: Conn) -> None:
    first = (datetime.now(UTC) - timedelta(days=1)).replace(second=0, microsecond=0)
    minutes = [first + timedelta(minutes=n) for n in range(5)]
    for minute in minutes:
        await conn.execute(
            "INSERT INTO queue_minutes (queue, minute, done) VALUES (%s, %s, 1)", (QUEUE, minute)
        )
    ends = ("--from", f"{minutes[1]:%FT%T%z}", "--to", f"{minutes[4]:%FT%T%z}")

    shown = await read(prompt, "queues", "show", QUEUE, *ends, "--json")
    drawn = await prompt.run("queues", "show", QUEUE, *ends)

    found = [datetime.fromisoformat(point["at"]) for point in shown["points"]]
    assert found == minutes[1:4]
    assert drawn.exit_code == 0, drawn.output


async def test_keys_and_pauses_answer_as_json(prompt: Prompt) -> None:
    made = await read(prompt, "keys", "create", "--json")
    (newest, *_) = await read(prompt, "keys", "list", "--json")
    rotated = await read(prompt, "keys", "rotate", newest["id"], "--json")
    revoked = await read(prompt, "keys", "revoke", newest["id"], "--json")
    paused = await read(prompt, "queues", "pause", QUEUE, "--reason", "x", "--json")
    resumed = await read(prompt, "queues", "resume", QUEUE, "--json")

    assert made["key"].startswith(newest["prefix"])
    assert rotated["key"] != made["key"]
    assert revoked == {"id": newest["id"], "state": "revoked"}
    assert [(one["paused"], one["changed"]) for one in (paused, resumed)] == [
        (True, True),
        (False, True),
    ]
