"""One memory's trace, as a person finds it in Jaeger."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.jaeger.server import JaegerServer, Span
from tests.system.running import Workspace

pytestmark = pytest.mark.system

OWN_STEPS = (
    "send memory_ingestion",
    "queue memory_ingestion",
    "process memory_ingestion",
    "embed",
    "neo4j write memories",
)
PATTERN_STEPS = ("process pattern_detection", "neo4j write patterns")
SERVICES = {"supastate-api", "supastate-ingest", "supastate-patterns"}


@pytest.fixture
def found_by(system_jaeger: JaegerServer | None) -> JaegerServer:
    if system_jaeger is None:
        pytest.skip("Jaeger cannot be built here: it needs Go and its module proxy")
    return system_jaeger


def post_memory(team: Workspace, trace_id: str, count: int = 1) -> None:
    chunks: list[dict[str, Any]] = [
        {"chunkId": f"{uuid4()}", "content": f"Fixed the crash number {n}.", "metadata": {}}
        for n in range(count)
    ]
    answer = httpx.post(
        f"{team.environment['SUPASTATE_API_URL']}/api/ingest/memory",
        json={"sessionId": "s", "projectPath": "/src/demo", "chunks": chunks},
        headers={
            "Authorization": f"Bearer {team.environment['SUPASTATE_API_KEY']}",
            "traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01",
        },
        trust_env=False,
    )
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text


def reaches_the_pattern(spans: Sequence[Span]) -> bool:
    names = {span.name for span in spans}
    # A span is exported when it ends, so the inner one comes first.
    return {"POST /api/ingest/memory", *OWN_STEPS, *PATTERN_STEPS} <= names


def ancestors(span: Span, spans: Sequence[Span]) -> list[str]:
    known = {one.span_id: one for one in spans}
    names = [span.name]
    while (parent := known.get(span.parent_id or "")) is not None:
        span = parent
        names.append(span.name)
    return names


def test_a_trace_leads_from_the_request_to_the_write_and_on_to_the_pattern(
    team: Workspace, found_by: JaegerServer
) -> None:
    trace_id = secrets.token_hex(16)
    post_memory(team, trace_id)
    spans = found_by.find_trace(trace_id, until=reaches_the_pattern, patience_seconds=90)
    assert {span.service for span in spans} >= SERVICES
    [write] = [span for span in spans if span.name == "neo4j write memories"]
    assert ancestors(write, spans) == [
        "neo4j write memories",
        "process memory_ingestion",
        "send memory_ingestion",
        "POST /api/ingest/memory",
    ]
    pattern = next(span for span in spans if span.name == "neo4j write patterns")
    assert "process pattern_detection" in ancestors(pattern, spans)
    assert "process memory_ingestion" in ancestors(pattern, spans)


def counts(spans: Sequence[Span]) -> list[int]:
    return [sum(span.name == name for span in spans) for name in OWN_STEPS]


def test_each_memory_of_a_batch_shows_its_own_path(team: Workspace, found_by: JaegerServer) -> None:
    trace_id, everyone = secrets.token_hex(16), [5] * len(OWN_STEPS)
    post_memory(team, trace_id, count=5)
    # Each process exports on its own clock, so any of the steps may be seen last.
    spans = found_by.find_trace(
        trace_id, until=lambda found: counts(found) == everyone, patience_seconds=90
    )
    assert counts(spans) == everyone


def test_no_span_holds_content(team: Workspace, found_by: JaegerServer) -> None:
    trace_id = secrets.token_hex(16)
    post_memory(team, trace_id)
    spans = found_by.find_trace(trace_id, until=reaches_the_pattern, patience_seconds=90)
    assert spans
    assert not [span for span in spans if "Fixed the crash" in f"{span.name}{span.tags}"]


def test_the_span_store_tells_the_same_story(team: Workspace) -> None:
    trace_id = secrets.token_hex(16)
    post_memory(team, trace_id)
    team.start("jobs").communicate(timeout=60)
    names: set[str] = set()
    for _ in range(60):
        output, _ = team.start("trace", trace_id, "--json").communicate(timeout=60)
        names = {
            name for name in ("process memory_ingestion", "neo4j write memories") if name in output
        }
        if len(names) == 2:
            break
    assert names == {"process memory_ingestion", "neo4j write memories"}
