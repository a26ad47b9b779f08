"""The OpenAPI description, and what is answered outside of it."""

from __future__ import annotations

import httpx

from services.api.errors import Problem
from tests.integration.api.told_problems import read_problem

ROUTES = {
    "/api/ingest/memory": "post",
    "/api/ingest/code": "post",
    "/api/search/memories": "get",
    "/api/patterns/detect": "post",
    "/api/patterns": "get",
    "/api/patterns/search": "post",
    "/api/jobs": "get",
    "/api/jobs/{job_id}": "get",
    "/api/summaries": "get",
    "/api/queues": "get",
    "/api/dead-letters": "get",
    "/api/dead-letters/groups": "get",
    "/api/dead-letters/{queue}/{letter_id}": "get",
    "/api/dead-letters/redrive/preview": "post",
    "/api/dead-letters/redrive": "post",
    "/api/dead-letters/discard": "post",
    "/api/operations": "get",
    "/api/operations/{operation_id}/cancel": "post",
    "/api/queues/{name}": "get",
    "/api/queues/{name}/pause": "post",
    "/api/queues/{name}/resume": "post",
    "/functions/v1/queue-memory-ingestion": "post",
    "/functions/v1/queue-pattern-detection": "post",
}


async def test_every_route_describes_its_key_and_its_errors_with_examples(
    stranger: httpx.AsyncClient,
) -> None:
    paths = (await stranger.get("/openapi.json")).json()["paths"]

    for path, method in ROUTES.items():
        route = paths[path][method]
        assert route["security"] == [{"HTTPBearer": []}], path
        assert {"400", "401", "403", "503"} <= route["responses"].keys(), path
        assert "422" not in route["responses"], path
        for status in ("400", "401", "403", "503"):
            content = route["responses"][status]["content"]["application/problem+json"]
            Problem.model_validate(content["example"])
        assert route["description"], path


async def test_the_description_shows_chunks_and_an_example(stranger: httpx.AsyncClient) -> None:
    schemas = (await stranger.get("/openapi.json")).json()["components"]["schemas"]

    request = schemas["MemoryRequest"]
    assert request["properties"]["chunks"]["items"] == {"$ref": "#/components/schemas/Chunk"}
    assert request["properties"]["chunks"]["maxItems"] == 100
    assert request["examples"][0]["chunks"][0]["chunkId"]


async def test_an_unknown_path_and_a_wrong_method_have_the_usual_error_body(
    stranger: httpx.AsyncClient,
) -> None:
    unknown = await stranger.get("/api/unknown")
    wrong = await stranger.delete("/api/jobs")

    assert (unknown.status_code, list(read_problem(unknown))) == (404, ["error"])
    assert (wrong.status_code, list(read_problem(wrong))) == (405, ["error"])
