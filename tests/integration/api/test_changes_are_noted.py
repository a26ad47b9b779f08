"""Each change that somebody asks the API for leaves one entry: who, when, what, why."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from neo4j import AsyncDriver
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from shared.postgres.api_keys import SCOPES
from shared.postgres.audit import AuditEntry, list_entries
from tests.integration.api.conftest import Client
from tests.integration.api.letters import client_with
from tests.integration.api.route_table import changing_routes
from tests.integration.api.seeded import FILE, PROJECT, Seeded, seed

Conn = AsyncConnection[TupleRow]
SOMEBODY = str(uuid4())
WHY = {"reason": "mended"}
LETTERS = {"queue": "memory_ingestion", **WHY}


@dataclass(frozen=True)
class Change:
    """What to send to a route, and what the entry says then."""

    action: str
    body: dict[str, Any] = field(default_factory=dict[str, Any])
    target: str = ""
    """A parameter of the path, or what stands there; empty for an id that the change makes."""
    reason: str = ""
    counts: tuple[int | None, ...] = (1,)


# In this order: the first ones need what the later ones take away.
CHANGES = {
    ("POST", "/api/queues/{name}/pause"): Change(
        "queue.pause", WHY, "memory_ingestion", "mended", (None,)
    ),
    ("POST", "/api/queues/{name}/resume"): Change(
        "queue.resume", target="memory_ingestion", counts=(None,)
    ),
    ("POST", "/api/patterns/detect"): Change("patterns.detect"),
    ("POST", "/functions/v1/queue-pattern-detection"): Change("patterns.detect"),
    ("POST", "/api/patterns/{pattern_id}/review"): Change(
        "pattern.confirmed", {"verdict": "confirmed", "note": "mended"}, "pattern_id", "mended"
    ),
    ("POST", "/api/projects/{name:path}/summary"): Change("summary.request"),
    ("POST", "/api/dead-letters/{queue}/{letter_id}/raw"): Change("dead_letter.view_raw"),
    ("POST", "/api/operations/{operation_id}/cancel"): Change(
        "operation.cancel", target="operation_id", counts=(2, 3)
    ),
    ("POST", "/api/jobs/{job_id}/cancel"): Change("job.cancel", WHY, "job_id", "mended"),
    ("POST", "/api/dead-letters/redrive"): Change(
        "dead_letters.redrive", LETTERS, "memory_ingestion", "mended"
    ),
    ("POST", "/api/dead-letters/discard"): Change(
        "dead_letters.discard", LETTERS, "memory_ingestion", "mended"
    ),
    ("DELETE", "/api/memories/{chunk_id:path}"): Change("memory.delete", target="memory_id"),
    ("DELETE", "/api/code"): Change("code.delete", target="code_id"),
    ("POST", "/api/keys"): Change("key.create", {"name": "laptop"}),
    ("POST", "/api/keys/{key_id}/rotate"): Change("key.rotate", target="key_id"),
    ("DELETE", "/api/keys/{key_id}"): Change("key.revoke", target="key_id"),
    ("DELETE", "/api/data"): Change(
        "data.delete", {"userId": SOMEBODY, "confirm": SOMEBODY}, counts=(None,)
    ),
}
NOT_NOTED = {
    ("POST", "/api/ingest/memory"): "what is sent for storing: its job says who sent it and when",
    ("POST", "/api/ingest/code"): "as memories",
    ("POST", "/functions/v1/queue-memory-ingestion"): "as memories",
}


@pytest.fixture
async def admin(app: FastAPI, conn: Conn, workspace: str) -> AsyncIterator[Client]:
    async with client_with(app, conn, workspace, *SCOPES) as opened:
        yield opened


def test_no_route_that_changes_something_is_left_out(app: FastAPI) -> None:
    assert changing_routes(app) == CHANGES.keys() | NOT_NOTED.keys()


async def test_each_change_leaves_one_entry(
    admin: Client, conn: Conn, neo4j_driver: AsyncDriver
) -> None:
    seeded = await seed(admin.http, conn, neo4j_driver, admin.workspace_id)
    names = {**seeded.names, "name": "memory_ingestion"}
    for (method, path), change in CHANGES.items():
        before = await list_entries(conn, admin.workspace_id, limit=100)
        await send(admin, method, path, change, seeded)
        after = await list_entries(conn, admin.workspace_id, limit=100)
        assert len(after) == len(before) + 1, path
        check(after[0], admin, change, names, path)


def check(
    entry: AuditEntry, admin: Client, change: Change, names: dict[str, str], path: str
) -> None:
    assert (entry.user_id, entry.key_name) == (admin.user_id, "-".join(SCOPES)), path
    assert entry.key_id is not None, path
    assert timedelta(0) <= datetime.now(UTC) - entry.at < timedelta(minutes=1), path
    assert (entry.action, entry.reason) == (change.action, change.reason)
    assert entry.count in change.counts, path
    assert entry.target, path
    assert entry.target == names.get(change.target, change.target) or not change.target, path


async def send(admin: Client, method: str, path: str, change: Change, seeded: Seeded) -> None:
    project = path.startswith("/api/projects")
    names = {**seeded.names, "name": PROJECT if project else "memory_ingestion"}
    body = dict(change.body)
    if change.body is LETTERS:
        body["ids"] = [seeded.letter if path.endswith("redrive") else seeded.spare_letter]
    if path.startswith("/functions"):
        body["workspace_id"] = admin.workspace_id
    address = path.replace(":path", "").format_map(names)
    params = {"project": PROJECT, "path": FILE} if path == "/api/code" else {}
    answer = await admin.http.request(method, address, json=body, params=params)
    assert answer.is_success, (method, path, answer.text)
