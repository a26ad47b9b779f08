"""Posts one memory and follows it to Neo4j and to Jaeger; runs inside the api container."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, Final, TypeVar
from uuid import uuid4

from neo4j import GraphDatabase
from psycopg import AsyncConnection

from shared.postgres.api_keys import create_key
from shared.settings import Settings

API: Final = "http://api:8080"
JAEGER: Final = "http://jaeger:16686"
DEADLINE_SECONDS: Final = 90.0
T = TypeVar("T")
FIND_MEMORY: Final = "MATCH (m:Memory {workspace_id: $w, chunk_id: $c}) RETURN count(m) AS found"


def main() -> None:
    settings, workspace, chunk = Settings.load(), f"team:{uuid4()}", f"check-{uuid4()}"
    trace_id = secrets.token_hex(16)
    key = asyncio.run(_create_key(settings, workspace))
    answer = _post_memory(key, chunk, trace_id)
    _say(f"posted: {answer}")
    _wait("the memory in Neo4j", lambda: _in_graph(settings, workspace, chunk))
    services = _wait("its trace in Jaeger", lambda: _traced_services(trace_id))
    _say(f"trace {trace_id} has spans of {', '.join(sorted(services))} and a Neo4j write")


async def _create_key(settings: Settings, workspace: str) -> str:
    dsn = settings.postgres_dsn.get_secret_value()
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        return await create_key(conn, workspace_id=workspace, user_id=uuid4(), name="compose-check")


def _post_memory(key: str, chunk: str, trace_id: str) -> Any:
    body: dict[str, Any] = {
        "sessionId": "compose-check",
        "projectPath": "/src/supastate",
        "chunks": [
            {
                "chunkId": chunk,
                "content": "Why does the queue hang? Fixed the deadlock.",
                "metadata": {},
            }
        ],
    }
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01",
    }
    return _fetch(
        urllib.request.Request(f"{API}/api/ingest/memory", json.dumps(body).encode(), headers)
    )


def _in_graph(settings: Settings, workspace: str, chunk: str) -> bool:
    auth = (settings.neo4j_user, settings.neo4j_password.get_secret_value())
    with GraphDatabase.driver(  # pyright: ignore[reportUnknownMemberType]  # untyped options
        settings.neo4j_uri, auth=auth, notifications_min_severity="OFF"
    ) as driver:
        records, _, _ = driver.execute_query(FIND_MEMORY, w=workspace, c=chunk)
        return bool(records[0]["found"])


def _traced_services(trace_id: str) -> set[str]:
    try:
        trace = _fetch(urllib.request.Request(f"{JAEGER}/api/traces/{trace_id}"))["data"][0]
    except (urllib.error.HTTPError, IndexError):
        return set()
    services = {process["serviceName"] for process in trace["processes"].values()}
    wrote = any("neo4j" in span["operationName"].lower() for span in trace["spans"])
    return services if len(services) >= 2 and wrote else set()


def _fetch(request: urllib.request.Request) -> Any:
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def _wait(what: str, probe: Callable[[], T]) -> T:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        if result := probe():
            return result
        time.sleep(0.5)
    sys.exit(f"waited {DEADLINE_SECONDS:.0f} s for {what}")


def _say(text: str) -> None:
    sys.stdout.write(f"   {text}\n")


main()
