"""Traces over HTTP, from real requests and through the real exporter."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from pydantic import SecretStr
from typer.testing import CliRunner

from cli.main import app as supastate
from services.api.app import create_app
from shared.postgres.spans import PostgresSpanExporter
from shared.settings import Settings
from shared.telemetry import InheritWorkspace
from tests.conftest import Servers
from tests.integration.api.conftest import Client, client, other_client
from tests.integration.api.serving import serving

__all__ = ["client", "other_client"]  # fixtures, over this file's `app`


@pytest.fixture
async def app(servers: Servers, database: str) -> AsyncIterator[FastAPI]:
    """The API, whose spans go into the span store."""
    settings = Settings(
        postgres_dsn=SecretStr(database),
        postgres_role="supastate_api",
        neo4j_uri=servers.neo4j_uri,
        neo4j_user=servers.neo4j_user,
        neo4j_password=SecretStr(servers.neo4j_password),
    )
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(InheritWorkspace())
    provider.add_span_processor(SimpleSpanProcessor(PostgresSpanExporter(database)))
    application = create_app(settings, provider)
    async with application.router.lifespan_context(application):
        yield application


async def send(client: Client) -> Any:
    answer = await client.send_chunks(*({"chunkId": f"c{n}", "content": "x"} for n in range(3)))
    return answer.json()


async def test_a_request_is_found_with_all_that_it_caused(client: Client) -> None:
    sent = await send(client)

    page = (await client.get("/api/traces", job=sent["jobId"])).json()
    [trace] = page["traces"]
    assert (trace["name"], trace["jobId"]) == ("POST /api/ingest/memory", sent["jobId"])
    found = (await client.get(f"/api/traces/{trace['traceId']}")).json()
    names = [step["name"] for step in found["steps"]]
    assert names.count("send memory_ingestion") == 3
    assert len(names) == trace["spans"]
    whole = (await client.get(f"/api/traces/{trace['traceId']}", attributes="true")).json()
    [queue] = {step["queue"] for step in found["steps"]} - {None}
    assert {step["attributes"] for step in found["steps"]} == {None}
    assert [step["name"] for step in whole["steps"]] == names
    for step in whole["steps"]:
        named = step["attributes"].get("messaging.destination.name")
        assert (step["queue"], step["links"]) == (named, [])
    assert queue == "memory_ingestion"


async def test_another_workspace_finds_nothing_of_it(client: Client, other_client: Client) -> None:
    sent = await send(client)
    [trace] = (await client.get("/api/traces")).json()["traces"]

    assert (await other_client.get("/api/traces", job=sent["jobId"])).json()["traces"] == []
    assert (await other_client.get(f"/api/traces/{trace['traceId']}")).status_code == 404


async def test_who_joins_a_strangers_trace_sees_only_itself(
    client: Client, other_client: Client
) -> None:
    await send(client)
    [trace] = (await client.get("/api/traces")).json()["traces"]
    parent = f"00-{trace['traceId']}-b7ad6b7169203331-01"
    await other_client.http.get("/api/jobs", headers={"traceparent": parent})

    found = (await other_client.get(f"/api/traces/{trace['traceId']}")).json()
    assert {step["name"] for step in found["steps"]} & {"send memory_ingestion"} == set()
    assert found["name"] == "GET /api/jobs"


async def test_a_page_ends_where_the_next_begins(client: Client) -> None:
    for _ in range(3):
        await send(client)

    first = (await client.get("/api/traces", limit=2)).json()
    second = (await client.get("/api/traces", limit=2, before=first["next"])).json()
    ids = [trace["traceId"] for page in (first, second) for trace in page["traces"]]
    assert len(set(ids[:3])) == 3


@pytest.mark.parametrize(
    "query", [{"job": "x"}, {"before": "x"}, {"minMs": "-1"}, {"message": "a\x00"}]
)
async def test_a_question_that_cannot_be_answered_is_refused(
    client: Client, query: dict[str, str]
) -> None:
    assert (await client.get("/api/traces", **query)).status_code == 400


async def test_the_command_lists_filters_and_pages_traces(app: FastAPI, client: Client) -> None:
    sent = await send(client)
    await client.get("/api/jobs")
    async with serving(app) as url:
        names = {"SUPASTATE_API_URL": url, "SUPASTATE_API_KEY": client.key, "COLUMNS": "160"}

        async def run(*arguments: str) -> str:
            runner = CliRunner(env=names)
            shown = await asyncio.to_thread(runner.invoke, supastate, ["traces", *arguments])
            assert shown.exit_code == 0, shown.output
            return shown.stdout

        all_of_them, first = await run(), json.loads(await run("--limit", "1", "--json"))
        [newest] = first["traces"]
        rest = await run("--before", first["next"])
        of_job = json.loads(await run("--job", sent["jobId"], "--json"))["traces"]

        assert "GET /api/jobs ·" in all_of_them
        assert ("GET /api/jobs" in rest, newest["traceId"] in rest) == (True, False)
        assert [one["name"] for one in of_job] == ["POST /api/ingest/memory"]
        for unmet in (["--errors"], ["--service", "other"], ["--min-ms", "1e6"]):
            assert "No such traces" in await run(*unmet)
        assert "No such traces" in await run("--message", "memory_ingestion:999")
