"""Errors of every kind: RFC 9457, with the fields that old clients read."""

from __future__ import annotations

from http import HTTPStatus

import httpx

from services.api.problem_kinds import KINDS, of_status
from tests.integration.api.conftest import Client
from tests.integration.api.told_problems import read_problem

BIG = str(16 * 1024 * 1024 + 1)


ASKED: list[tuple[str, str, dict[str, str], int, str]] = [
    ("GET", "/api/jobs?limit=none", {}, 400, "invalid-request"),
    ("GET", "/api/jobs", {"Authorization": "Bearer sst_x"}, 401, "no-valid-key"),
    ("GET", "/api/keys", {}, 403, "not-allowed"),
    ("GET", "/api/unknown", {}, 404, "not-found"),
    ("GET", "/api/operations/0a3b6c1e-7d52-4f6e-9b1c-2f8d4e5a6b7c", {}, 404, "not-found"),
    ("PUT", "/api/jobs", {}, 405, "no-such-method"),
    ("POST", "/api/ingest/memory", {"Content-Length": BIG}, 413, "too-large"),
]


async def test_an_error_names_its_kind_and_the_path_that_was_asked_for(client: Client) -> None:
    for method, path, headers, status, kind in ASKED:
        answer = await client.http.request(method, path, headers=headers)

        assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{kind}")
        assert read_problem(answer)["error"]
        assert answer.json()["instance"] == path.partition("?")[0]


async def test_what_is_wrong_with_each_field_stands_where_it_stood(client: Client) -> None:
    answer = await client.post("/api/ingest/memory", {})
    long = await client.http.get("/api/" + "%C3%A4%22" * 1000)

    assert read_problem(answer) == {
        "error": "the request is not as documented",
        "details": [{"field": "chunks", "reason": "Field required"}],
    }
    assert long.json()["instance"] == "/api/" + "%C3%A4%22" * 297 + "%C3%A4"


async def test_each_kind_says_at_its_address_what_to_do(stranger: httpx.AsyncClient) -> None:
    for kind in KINDS:
        answer = await stranger.get(kind.uri)
        assert (answer.status_code, kind.next_step in answer.text) == (200, True)

    assert (await stranger.get("/problems/unheard-of")).json()["type"] == "/problems/not-found"


def test_a_status_of_no_kind_of_ours_is_about_blank() -> None:
    unknown = of_status(HTTPStatus.IM_A_TEAPOT)

    assert (unknown.uri, unknown.title) == ("about:blank", "I'm a Teapot")
