"""The OpenAPI description, and what is answered outside of it."""

from __future__ import annotations

from typing import Any

import httpx
from fastapi import FastAPI

from services.api.errors import Problem
from tests.integration.api.route_table import keyed_routes
from tests.integration.api.told_problems import read_problem

IN_ONE_ANSWER = {
    "/api/queues": "there are three",
    "/api/patterns/rates": "`weeks` bounds it",
    "/api/usage": "a row a day, key or project of the time asked for",
    "/api/search/memories": "the nearest `limit`, as old clients know it",
}
"""Lists without pages, and why they need none."""


async def test_every_route_describes_its_key_and_its_errors_with_examples(app: FastAPI) -> None:
    paths = app.openapi()["paths"]

    for method, path in keyed_routes(app):
        route = paths[path.replace(":path", "")][method.lower()]
        assert route["security"] == [{"HTTPBearer": []}], path
        assert {"400", "401", "403", "503"} <= route["responses"].keys(), path
        assert "422" not in route["responses"], path
        for status in ("400", "401", "403", "503"):
            content = route["responses"][status]["content"]["application/problem+json"]
            Problem.model_validate(content["example"])
        assert route["description"], path


def test_every_list_comes_in_pages(app: FastAPI) -> None:
    description = app.openapi()
    schemas = description["components"]["schemas"]
    lists: set[str] = set()
    for path, methods in description["paths"].items():
        fields = fields_of(methods.get("get"), schemas)
        if "{" in path or not any(field.get("type") == "array" for field in fields.values()):
            continue
        lists.add(path)
        assert ("next" in fields) != (path in IN_ONE_ANSWER), path
        if "next" in fields:
            given: set[str] = {one["name"] for one in methods["get"]["parameters"]}
            assert "limit" in given, path
            assert given & {"after", "before"}, path
    assert lists >= {"/api/jobs", "/api/keys", "/api/summaries", *IN_ONE_ANSWER}


def fields_of(route: Any, schemas: Any) -> dict[str, Any]:
    """Return the fields of a route's JSON answer."""
    content: Any = route["responses"]["200"].get("content", {}) if route else {}
    name: str = content.get("application/json", {}).get("schema", {}).get("$ref", "")
    return schemas[name.rpartition("/")[2]].get("properties", {}) if name else {}


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
