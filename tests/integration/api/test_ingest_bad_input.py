"""Bad input: the documented status, a reason that names the field, and the rest goes through."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, LiteralString
from uuid import uuid4

import httpx
import pytest
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.api.limits import MAX_BODY_BYTES
from tests.integration.api.conftest import Client
from tests.integration.api.one_api import ON_ONE_LOOP, app, client, conn, database
from tests.integration.api.told_problems import read_problem

__all__ = ["app", "client", "conn", "database"]  # fixtures
pytestmark = ON_ONE_LOOP
Conn = AsyncConnection[TupleRow]
MEMORY = "/api/ingest/memory"
CODE = "/api/ingest/code"
JSON = {"Content-Type": "application/json"}
GOOD = {"chunkId": "good", "content": "goes through"}


async def count(conn: Conn, table: LiteralString) -> int:
    row = await (await conn.execute("SELECT count(*) FROM " + table)).fetchone()
    assert row is not None
    return int(row[0])


def fields(answer: httpx.Response) -> list[str]:
    return [detail["field"] for detail in answer.json()["details"]]


async def send_raw(client: Client, body: bytes, path: str = MEMORY) -> httpx.Response:
    return await client.http.post(path, content=body, headers=JSON)


async def assert_fails_alone(client: Client, conn: Conn, bad: Any, field: str, reason: str) -> None:
    """The bad chunk fails with its field named; the good one beside it is stored and queued."""
    body = json.dumps({"chunks": [GOOD, bad]}).encode()
    answer = await send_raw(client, body)

    assert answer.status_code == 202, answer.text
    good, failed = answer.json()["results"]
    assert (good["status"], failed["status"]) == ("queued", "failed")
    assert failed["error"]["field"] == field
    assert reason in failed["error"]["reason"]
    assert (await count(conn, "memories"), await count(conn, "pgmq.q_memory_ingestion")) == (1, 1)


async def assert_refused_whole(
    client: Client, conn: Conn, body: bytes, path: str = MEMORY
) -> httpx.Response:
    answer = await send_raw(client, body, path)

    assert answer.status_code == 400, answer.text
    assert read_problem(answer)
    assert (await count(conn, "memories"), await count(conn, "jobs")) == (0, 0)
    return answer


async def test_a_chunk_without_content_fails_alone(client: Client, conn: Conn) -> None:
    await assert_fails_alone(client, conn, {"chunkId": "c"}, "chunks[1].content", "required")


async def test_a_chunk_without_an_id_fails_alone(client: Client, conn: Conn) -> None:
    await assert_fails_alone(client, conn, {"content": "x"}, "chunks[1].chunkId", "required")


async def test_content_of_another_type_fails_alone(client: Client, conn: Conn) -> None:
    bad = {"chunkId": "c", "content": 5}
    await assert_fails_alone(client, conn, bad, "chunks[1].content", "valid string")


async def test_a_chunk_that_is_no_object_fails_alone(client: Client, conn: Conn) -> None:
    await assert_fails_alone(client, conn, "text", "chunks[1].item", "valid dictionary")


async def test_metadata_of_another_type_fails_alone(client: Client, conn: Conn) -> None:
    bad = {"chunkId": "c", "content": "x", "metadata": [1]}
    await assert_fails_alone(client, conn, bad, "chunks[1].metadata", "valid dictionary")


async def test_empty_content_fails_alone(client: Client, conn: Conn) -> None:
    bad = {"chunkId": "c", "content": " \n"}
    await assert_fails_alone(client, conn, bad, "chunks[1].content", "is empty")


async def test_a_megabyte_of_content_fails_alone(client: Client, conn: Conn) -> None:
    bad = {"chunkId": "c", "content": "a" * 1_000_000}
    await assert_fails_alone(client, conn, bad, "chunks[1].content", "the limit is 262144")


async def test_a_nul_character_in_content_fails_alone(client: Client, conn: Conn) -> None:
    bad = {"chunkId": "c", "content": "a\x00b"}
    await assert_fails_alone(client, conn, bad, "chunks[1].content", "contains NUL (\\u0000)")


async def test_a_lone_surrogate_in_content_fails_alone(client: Client, conn: Conn) -> None:
    bad = {"chunkId": "c", "content": "a\ud800b"}
    await assert_fails_alone(client, conn, bad, "chunks[1].content", "lone surrogate")


async def test_a_nul_character_in_metadata_fails_alone(client: Client, conn: Conn) -> None:
    bad = {"chunkId": "c", "content": "x", "metadata": {"topics": ["a", "b\x00"]}}
    await assert_fails_alone(client, conn, bad, "chunks[1].metadata.topics[1]", "NUL")


async def test_a_lone_surrogate_in_a_metadata_key_fails_alone(client: Client, conn: Conn) -> None:
    bad = {"chunkId": "c", "content": "x", "metadata": {"a": {"\udc00": 1}}}
    await assert_fails_alone(client, conn, bad, "chunks[1].metadata.a", "lone surrogate")


@pytest.mark.parametrize("name", ["a\x00", "a\ud800"])
async def test_a_chunk_id_that_cannot_be_stored_fails_alone(
    client: Client, conn: Conn, name: str
) -> None:
    bad = {"chunkId": name, "content": "x"}
    await assert_fails_alone(client, conn, bad, "chunks[1].chunkId", "contains")


async def test_a_chunk_id_that_is_too_long_fails_alone(client: Client, conn: Conn) -> None:
    bad = {"chunkId": "😀" * 513, "content": "x"}
    await assert_fails_alone(client, conn, bad, "chunks[1].chunkId", "at most 512")


async def test_the_longest_ids_fit_the_index(client: Client) -> None:
    name = "".join(chr(0x1F300 + number) for number in range(512))
    answer = await client.send_chunks(
        {"chunkId": name, "content": "x"},
        sessionId=name,
        projectName="".join(chr(0x1F300 + number) for number in range(255)),
    )

    assert answer.status_code == 202, answer.text


async def test_the_longest_path_fits_the_index(client: Client) -> None:
    project = "".join(chr(0x1F300 + number) for number in range(255))
    path = "".join(chr(0x1F300 + number) for number in range(256))
    answer = await client.post(
        CODE, {"projectName": project, "files": [{"path": path, "content": "x"}]}
    )

    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize("odd", ["yesterday", True, [], 1e30])
async def test_a_start_time_that_is_no_time_fails_alone(
    client: Client, conn: Conn, odd: Any
) -> None:
    bad = {"chunkId": "c", "content": "x", "metadata": {"startTime": odd}}
    await assert_fails_alone(client, conn, bad, "chunks[1].metadata.startTime", "is no time")


async def test_a_number_that_json_cannot_hold_fails_alone(client: Client, conn: Conn) -> None:
    good, bad = (
        b'{"chunkId":"good","content":"x"}',
        b'{"chunkId":"c","content":"x","metadata":{"n":%s}}',
    )
    body = b'{"chunks":[' + good + b"," + bad + b"]}"
    for number in (b"NaN", b"Infinity", b"1e999"):
        answer = await send_raw(client, body % number)
        assert answer.status_code == 202, answer.text
        assert answer.json()["results"][1]["error"]["field"] == "chunks[1].metadata.n"
    assert await count(conn, "memories") == 1


async def test_a_chunk_id_that_occurs_twice_is_stored_once_and_reported(
    client: Client, conn: Conn
) -> None:
    bad = {"chunkId": "good", "content": "the second one"}
    await assert_fails_alone(client, conn, bad, "chunks[1]", "occurs twice")


async def test_metadata_nested_too_deep_fails_alone(client: Client, conn: Conn) -> None:
    deep: Any = "inside"
    for _ in range(200):
        deep = [deep]
    bad = {"chunkId": "c", "content": "x", "metadata": {"deep": deep}}
    answer = await send_raw(client, json.dumps({"chunks": [GOOD, bad]}).encode())

    assert answer.status_code == 202
    assert [result["status"] for result in answer.json()["results"]] == ["queued", "failed"]


async def test_json_nested_endlessly_is_refused(client: Client, conn: Conn) -> None:
    await assert_refused_whole(client, conn, b'{"chunks":' + b"[" * 100_000)
    await assert_refused_whole(client, conn, b"[" * 100_000 + b"]" * 100_000)
    await assert_refused_whole(client, conn, b'{"a":' * 50_000 + b"1" + b"}" * 50_000)


async def test_an_endless_number_is_refused(client: Client, conn: Conn) -> None:
    await assert_refused_whole(client, conn, b'{"chunks": [' + b"9" * 100_000 + b"]}")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nothing",
        b"null",
        b"[]",
        b"5",
        b'"text"',
        b"\xff\xfe\x00",
        b'{"chunks": [{"chunkId": "c", "content": "\xc3\x28"}]}',
        b'{"chunks": [{"chunkId": "c", "content": "\xed\xa0\x80"}]}',
    ],
)
async def test_what_is_no_json_object_is_refused(client: Client, conn: Conn, body: bytes) -> None:
    await assert_refused_whole(client, conn, body)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "chunks"),
        ({"chunks": None}, "chunks"),
        ({"chunks": {}}, "chunks"),
        ({"chunks": "text"}, "chunks"),
        ({"chunks": []}, "chunks"),
        ({"chunks": [GOOD] * 101}, "chunks"),
        ({"chunks": [GOOD], "sessionId": 5}, "sessionId"),
        ({"chunks": [GOOD], "sessionId": ""}, "sessionId"),
        ({"chunks": [GOOD], "sessionId": "x" * 513}, "sessionId"),
        ({"chunks": [GOOD], "sessionId": "a\x00"}, "sessionId"),
        ({"chunks": [GOOD], "projectPath": "\ud800"}, "projectPath"),
        ({"chunks": [GOOD], "projectPath": ["x"]}, "projectPath"),
        ({"chunks": [GOOD], "projectName": "a\x00"}, "projectName"),
        ({"chunks": [GOOD], "projectName": "x" * 256}, "projectName"),
        ({"chunks": [GOOD], "workspaceId": 5}, "workspaceId"),
    ],
)
async def test_a_wrong_envelope_is_refused_with_its_field(
    client: Client, conn: Conn, body: Any, field: str
) -> None:
    answer = await assert_refused_whole(client, conn, json.dumps(body).encode())

    assert fields(answer) == [field]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"projectPath": "/p"}, "files"),
        ({"projectPath": "/p", "files": [{"path": "a", "content": "x"}] * 51}, "files"),
        ({"files": [{"path": "a", "content": "x"}]}, "projectPath"),
        ({"projectPath": "", "files": [{"path": "a", "content": "x"}]}, "projectPath"),
        ({"projectPath": "/p", "files": [{"path": "a"}]}, "files[0].content"),
        ({"projectPath": "/p", "files": [{"path": "\x00", "content": "x"}]}, "files[0].path"),
        ({"projectPath": "/p", "files": [{"path": "é" * 513, "content": "x"}]}, "files[0].path"),
        ({"projectPath": "/p", "files": [{"path": "a", "content": "ELF\x00"}]}, "files[0].content"),
    ],
)
async def test_a_wrong_code_request_is_refused_with_its_field(
    client: Client, conn: Conn, body: Any, field: str
) -> None:
    answer = await assert_refused_whole(client, conn, json.dumps(body).encode(), CODE)

    assert fields(answer) == [field]


async def test_a_binary_file_fails_alone(client: Client) -> None:
    files = [{"path": "a.py", "content": "x = 1"}, {"path": "a.bin", "content": "\x7fELF\x00"}]
    answer = await client.post(CODE, {"projectPath": "/p", "files": files})

    assert answer.status_code == 202
    assert [result["status"] for result in answer.json()["results"]] == ["queued", "failed"]
    assert answer.json()["results"][1]["error"]["field"] == "files[1].content"


async def test_an_odd_last_modified_fails_alone(client: Client) -> None:
    files = [
        {"path": "a.py", "content": "x"},
        {"path": "b.py", "content": "x", "lastModified": "now"},
    ]
    answer = await client.post(CODE, {"projectPath": "/p", "files": files})

    assert answer.json()["results"][1]["error"]["field"] == "files[1].lastModified"


async def test_when_all_chunks_fail_the_request_fails(client: Client, conn: Conn) -> None:
    body = {"chunks": [{"chunkId": "a"}, {"chunkId": "b", "content": ""}]}
    answer = await assert_refused_whole(client, conn, json.dumps(body).encode())

    assert fields(answer) == ["chunks[0].content", "chunks[1].content"]


async def test_when_all_chunks_are_too_large_it_says_so(client: Client, conn: Conn) -> None:
    answer = await client.send_chunks({"chunkId": "a", "content": "a" * 1_000_000})

    assert answer.status_code == 413
    assert fields(answer) == ["chunks[0].content"]
    assert await count(conn, "memories") == 0


async def test_a_body_that_announces_too_much_is_refused_unread(client: Client) -> None:
    async def never_read() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    headers = {**JSON, "Content-Length": str(MAX_BODY_BYTES + 1)}
    answer = await client.http.post(MEMORY, content=never_read(), headers=headers)

    assert answer.status_code == 413
    assert "16777216" in answer.json()["error"]


async def test_an_unannounced_body_is_read_to_the_limit_only(client: Client) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 4 * MAX_BODY_BYTES:
            sent += 1_048_576
            yield b" " * 1_048_576

    answer = await client.http.post(MEMORY, content=endless(), headers=JSON)

    assert answer.status_code == 413
    assert "error" in answer.json()


async def test_a_body_without_a_content_type_is_refused(client: Client, conn: Conn) -> None:
    body = json.dumps({"chunks": [GOOD]}).encode()
    answer = await client.http.post(MEMORY, content=body)

    assert answer.status_code == 400
    assert await count(conn, "memories") == 0


@pytest.mark.parametrize("name", ["workspaceId", "workspace_id"])
async def test_another_workspaces_id_in_the_body_is_forbidden(
    client: Client, conn: Conn, name: str
) -> None:
    requests: list[tuple[str, dict[str, Any]]] = [
        (MEMORY, {"chunks": [GOOD]}),
        (CODE, {"projectPath": "/p", "files": [{"path": "a.py", "content": "x"}]}),
    ]
    for path, items in requests:
        answer = await client.post(path, {**items, name: f"team:{uuid4()}"})
        assert answer.status_code == 403
        assert answer.json()["error"].startswith("workspaceId")
    assert (await count(conn, "memories"), await count(conn, "code_entities")) == (0, 0)


async def test_the_own_workspaces_id_in_the_body_is_accepted(client: Client) -> None:
    bare = client.workspace_id.removeprefix("team:")
    for given in (client.workspace_id, bare):
        answer = await client.send_chunks(GOOD, workspaceId=given)
        assert answer.status_code == 202


async def test_unknown_fields_are_ignored(client: Client) -> None:
    answer = await client.send_chunks({**GOOD, "newField": 1}, clientVersion="9")

    assert answer.status_code == 202
