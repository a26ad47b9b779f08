"""The API as a process of its own: it starts, survives any input, and stops."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import booleans
from neo4j import AsyncDriver
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from shared.postgres.api_keys import SCOPES, create_key
from tests.conftest import Servers
from tests.integration.api.seeded import PROJECT, seed

EXAMPLES_PER_ROUTE = 12
STREAMS = 2
"""Operations whose answer has no end."""
Conn = AsyncConnection[TupleRow]


@dataclass(frozen=True)
class Process:
    """A running API."""

    running: subprocess.Popen[bytes]
    url: str
    log: Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def settings_of(servers: Servers, database: str, port: int) -> dict[str, str]:
    return {
        "SUPASTATE_POSTGRES_DSN": database,
        "SUPASTATE_NEO4J_URI": servers.neo4j_uri,
        "SUPASTATE_NEO4J_USER": servers.neo4j_user,
        "SUPASTATE_NEO4J_PASSWORD": servers.neo4j_password,
        "SUPASTATE_HTTP_PORT": str(port),
        "SUPASTATE_LOG_LEVEL": "INFO",
    }


@pytest.fixture
def process(servers: Servers, database: str, tmp_path: Path) -> Iterator[Process]:
    port = free_port()
    command = [sys.executable, "-m", "services.api"]
    environment = {**os.environ, **settings_of(servers, database, port)}
    log = tmp_path / "api.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(command, env=environment, stdout=output, stderr=output) as running,
    ):
        try:
            yield Process(running, f"http://127.0.0.1:{port}", log)
        finally:
            running.kill()


def wait_until_ready(process: Process) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.running.poll() is None, process.log.read_text()
        try:
            if httpx.get(f"{process.url}/health/ready", trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError("the API is not ready in time")


async def test_the_process_stops_at_sigterm_though_a_stream_is_open(
    process: Process, conn: Conn
) -> None:
    key = await create_key(conn, workspace_id=f"team:{uuid4()}", user_id=uuid4(), name="live")
    wait_until_ready(process)

    headers = {"Authorization": f"Bearer {key}"}
    with httpx.stream("GET", f"{process.url}/api/live", headers=headers, trust_env=False) as stream:
        assert stream.is_success
        process.running.send_signal(signal.SIGTERM)
        assert list(stream.iter_lines())[-1] == ""

    assert process.running.wait(timeout=30) in (0, -signal.SIGTERM)


def talk(url: str, pieces: Iterable[bytes]) -> bytes:
    """Send pieces until the API closes, and return what it said."""
    at = httpx.URL(url)
    assert at.port is not None
    with socket.create_connection((at.host, at.port), timeout=10) as connection:
        with suppress(ConnectionError):
            for piece in pieces:
                connection.sendall(piece)
        said = b""
        with suppress(ConnectionError):
            while more := connection.recv(65536):
                said += more
    return said


def test_headers_that_do_not_end_are_refused(process: Process) -> None:
    wait_until_ready(process)
    line = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    endless = [line, *[b"X-More: " + b"a" * 8_000 + b"\r\n"] * 1_000]
    long_line = [b"GET /", *[b"a" * 8_000] * 1_000]
    trailers = [line.replace(b"GET /health/live", b"POST /api/ingest/memory")]
    trailers += [b"Transfer-Encoding: chunked\r\n\r\n0\r\n", *endless[1:]]

    for pieces in (endless, long_line):
        assert talk(process.url, pieces).startswith(b"HTTP/1.1 400 "), pieces[0]
    assert talk(process.url, trailers).startswith(b"HTTP/1.1 4")
    whole = [line, b"X-More: " + b"a" * 16_000 + b"\r\n", b"\r\n"]
    assert talk(process.url, whole).startswith(b"HTTP/1.1 200 ")


def test_what_people_search_for_is_not_logged(process: Process) -> None:
    wait_until_ready(process)

    url = f"{process.url}/api/search/memories"
    httpx.get(url, params={"q": "secret plan"}, trust_env=False)

    process.running.send_signal(signal.SIGTERM)
    process.running.wait(timeout=30)
    log = process.log.read_text()
    assert '"GET /api/search/memories HTTP/1.1" 401' in log
    assert "secret" not in log


async def test_no_input_that_the_description_allows_or_forbids_is_answered_5xx(
    process: Process, conn: Conn, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    key = await create_key(
        conn, workspace_id=workspace, user_id=uuid4(), name="fuzz", scopes=SCOPES
    )
    wait_until_ready(process)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=process.url, headers=headers, trust_env=False) as http:
        seeded = await seed(http, conn, neo4j_driver, workspace)
        description = (await http.get("/openapi.json")).json()
    operations = read_operations(description)

    session = requests.Session()  # one connection for all calls
    session.trust_env = False
    session.headers.update(headers)
    for operation in operations:
        fuzz(operation, process.url, session, seeded.names | {"name": PROJECT})
    # No input was so lucky that what follows it had nothing to work on.
    assert session.get(f"{process.url}/api/keys").ok
    session.close()
    described = sum(len(methods) for methods in description["paths"].values())
    assert len(operations) == described - STREAMS


def read_operations(description: dict[str, Any]) -> list[Any]:
    schema: Any = schemathesis.openapi.from_dict(description)  # generic in what it does not name
    operations = [found.ok() for found in schema.get_all_operations()]
    return [one for one in operations if not is_stream(one)]


def is_stream(operation: Any) -> bool:
    # Its answer has no end; test_live_api.py asks for it.
    answer = operation.definition.raw["responses"].get("200", {})
    return "text/event-stream" in answer.get("content", {})


def fuzz(operation: Any, url: str, session: requests.Session, names: dict[str, str]) -> None:
    """Send an operation anything, every other time about something that is there."""
    for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):

        @settings(
            max_examples=EXAMPLES_PER_ROUTE,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        )
        @given(case=operation.as_strategy(generation_mode=mode), is_known=booleans())
        def call(case: Any, is_known: bool) -> None:
            if is_known:
                given: dict[str, Any] = case.path_parameters or {}
                case.path_parameters = given | {name: names[name] for name in given.keys() & names}
            answer = case.call(base_url=url, session=session)
            assert answer.status_code < 500, f"{case.as_curl_command()}\n{answer.text}"
            if answer.status_code >= 400:
                assert answer.json().keys() >= {"error", "type", "detail"}

        # A route without parameters has no input that would be wrong.
        with suppress(Unsatisfiable):
            call()


def test_a_missing_setting_stops_the_start_and_is_named(servers: Servers, database: str) -> None:
    environment = {**os.environ, **settings_of(servers, database, free_port())}
    del environment["SUPASTATE_NEO4J_URI"]

    ended = subprocess.run(
        [sys.executable, "-m", "services.api"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode != 0
    assert "SUPASTATE_NEO4J_URI" in ended.stderr
    assert "Traceback" not in ended.stderr
