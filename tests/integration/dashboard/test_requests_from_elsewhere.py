"""What changes something: only from our own pages, to a name of ours, by who may."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import cast
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.api.dashboard.login_limits import TRIES_OF_ONE
from services.api.dashboard.protecting import HEADERS
from services.api.dashboard.registry import ROOT
from services.api.dashboard.session import COOKIE, Session, Sessions
from services.api.known_keys import KNOWN_SECONDS
from shared.postgres.api_keys import create_key, find_key, revoke_key
from tests.integration.api.conftest import app, spans
from tests.integration.api.route_table import methods_of
from tests.integration.api.told_problems import read_problem

__all__ = ["app", "spans"]  # fixtures
Conn = AsyncConnection[TupleRow]
OURS = "http://localhost:8080"
FROM_OURS = {"Sec-Fetch-Site": "same-origin"}
LOGIN, LOGOUT = f"{ROOT}/login", f"{ROOT}/logout"
ELSEWHERE: list[tuple[dict[str, str], int]] = [
    ({}, 403),
    ({"Sec-Fetch-Site": "cross-site"}, 403),
    ({"Sec-Fetch-Site": "same-site"}, 403),
    ({"Origin": "https://attacker.example"}, 403),
    ({"Origin": "null"}, 403),
    ({**FROM_OURS, "Host": "attacker.example"}, 421),
    ({"Origin": "http://attacker.example", "Host": "attacker.example"}, 421),
]
ASKING_MORE = {"/api/patterns/search"}
"""It changes nothing, and a key that reads may do it."""


@dataclass(frozen=True)
class Person:
    """A browser with a session."""

    http: httpx.AsyncClient
    token: str
    key: str
    session: Session


def changing_routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Yield method and address of every route that is not only read."""
    for method, route in methods_of(app):
        if method != "GET":
            yield method, re.sub(r"\{[^}]+\}", str(uuid4()), route.path)


def pages_of(app: FastAPI) -> list[tuple[str, str]]:
    found = [(method, path) for method, path in changing_routes(app) if path.startswith(ROOT)]
    assert {("POST", LOGIN), ("POST", LOGOUT)} <= set(found)
    return found


async def log_in(app: FastAPI, conn: Conn, *scopes: str) -> Person:
    workspace = f"team:{uuid4()}"
    key = await create_key(
        conn, workspace_id=workspace, user_id=uuid4(), name="test", scopes=scopes
    )
    found = await find_key(conn, key)
    assert found is not None
    sessions = cast(Sessions, app.state.sessions)
    session = Session.start(found)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    cookies = {COOKIE: sessions.write(session)}
    http = httpx.AsyncClient(transport=transport, base_url=OURS, cookies=cookies)
    return Person(http, sessions.form_token(session), key, session)


@pytest.fixture
async def operator(app: FastAPI, conn: Conn) -> AsyncIterator[Person]:
    person = await log_in(app, conn, "read", "operate")
    yield person
    await person.http.aclose()


@pytest.fixture
async def viewer(app: FastAPI, conn: Conn) -> AsyncIterator[Person]:
    person = await log_in(app, conn, "read")
    yield person
    await person.http.aclose()


async def test_no_change_is_made_from_elsewhere(app: FastAPI, operator: Person) -> None:
    token = {"X-CSRF-Token": operator.token}

    for method, path in pages_of(app):
        for headers, status in ELSEWHERE:
            answer = await operator.http.request(method, path, headers={**headers, **token})
            assert answer.status_code == status, (method, path, headers)


async def test_no_change_is_made_without_the_forms_token(app: FastAPI, operator: Person) -> None:
    for method, path in pages_of(app):
        if path == LOGIN:
            continue
        for token in ({}, {"X-CSRF-Token": "wrong"}):
            answer = await operator.http.request(method, path, headers={**FROM_OURS, **token})
            assert answer.status_code == 403, (method, path)


async def test_a_viewer_gets_403_on_every_page_that_changes_something(
    app: FastAPI, viewer: Person
) -> None:
    headers = {**FROM_OURS, "X-CSRF-Token": viewer.token}

    for method, path in pages_of(app):
        if path not in (LOGIN, LOGOUT):
            answer = await viewer.http.request(method, path, headers=headers)
            assert answer.status_code == 403, (method, path)


async def test_a_key_that_reads_gets_403_on_every_route_that_changes_something(
    app: FastAPI, viewer: Person
) -> None:
    checked = 0
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=OURS) as http:
        for method, path in changing_routes(app):
            if path.startswith(ROOT) or path in ASKING_MORE:
                continue
            headers = {"Authorization": f"Bearer {viewer.key}"}
            answer = await http.request(method, path, headers=headers, json={})
            assert answer.status_code == 403, (method, path, answer.text)
            checked += 1
    assert checked > 5


async def test_a_session_changes_nothing_through_the_api(app: FastAPI, operator: Person) -> None:
    for method, path in changing_routes(app):
        if not path.startswith(ROOT):
            answer = await operator.http.request(method, path, headers=FROM_OURS, json={})
            assert answer.status_code == 401, (method, path)


async def test_another_site_reads_nothing_of_the_api_by_a_session(operator: Person) -> None:
    own = await operator.http.get("/api/jobs", headers=FROM_OURS)
    other = await operator.http.get("/api/jobs", headers={"Sec-Fetch-Site": "cross-site"})

    assert (own.status_code, other.status_code) == (200, 401)


async def test_a_revoked_key_is_logged_out_within_seconds(
    conn: Conn, operator: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await operator.http.get("/api/jobs")).status_code == 200
    await revoke_key(conn, operator.session.workspace_id, operator.session.key_id)
    now = time.monotonic() + KNOWN_SECONDS
    monkeypatch.setattr("services.api.known_keys.time.monotonic", lambda: now)

    answer = await operator.http.get(f"{ROOT}/traces")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(LOGIN)


async def test_every_answer_carries_the_headers_that_protect_it(operator: Person) -> None:
    for path in (ROOT, LOGIN, f"{ROOT}/traces", f"{ROOT}/nothing", "/api/jobs", "/health/live"):
        answer = await operator.http.get(path)
        for name, value in HEADERS.items():
            assert answer.headers[name] == value, path


async def test_an_unknown_name_sees_no_page(operator: Person) -> None:
    answer = await operator.http.get(LOGIN, headers={"Host": "attacker.example"})

    assert answer.status_code == 421
    assert "SUPASTATE_ALLOWED_HOSTS" in answer.text


async def test_the_login_says_the_same_of_every_wrong_key_and_then_to_wait(
    app: FastAPI, conn: Conn, operator: Person
) -> None:
    await revoke_key(conn, operator.session.workspace_id, operator.session.key_id)
    answers: list[httpx.Response] = []
    keys = [operator.key, "sst_unknown", "x" * 10_000, "\x00", ""]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=OURS) as http:
        for key in (keys * TRIES_OF_ONE)[: TRIES_OF_ONE + 1]:
            answers.append(await http.post(LOGIN, data={"key": key}, headers=FROM_OURS))

    assert [one.status_code for one in answers] == [401] * TRIES_OF_ONE + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert len({one.text for one in answers}) == 2
    assert not any(COOKIE in one.cookies or operator.key in one.text for one in answers)


async def test_the_key_is_in_no_cookie(app: FastAPI, operator: Person) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=OURS) as http:
        form = {"key": operator.key, "next": "//attacker.example"}
        answer = await http.post(LOGIN, data=form, headers=FROM_OURS)

    assert (answer.status_code, answer.headers["Location"]) == (303, ROOT)
    cookie = answer.headers["Set-Cookie"]
    assert operator.key not in cookie
    assert {"HttpOnly", "SameSite=lax"} <= set(cookie.split("; "))
    assert "Secure" not in cookie


async def test_over_https_the_cookie_is_secure(app: FastAPI, operator: Person) -> None:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://localhost") as http:
        answer = await http.post(LOGIN, data={"key": operator.key}, headers=FROM_OURS)

    assert "Secure" in answer.headers["Set-Cookie"].split("; ")


async def test_a_fragment_leads_the_whole_page_to_the_login(app: FastAPI) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": f"{OURS}{ROOT}/traces?errors=true"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=OURS) as http:
        answer = await http.get(f"{ROOT}/traces", headers=headers)

    assert answer.headers["HX-Redirect"] == f"{LOGIN}?next={ROOT}/traces%3Ferrors%3Dtrue"
    assert answer.text == ""


async def test_an_error_of_the_api_stays_json_beside_the_pages(operator: Person) -> None:
    api = await operator.http.get("/api/traces/nonsense")
    page = await operator.http.get(f"{ROOT}/traces/nonsense")

    assert (api.status_code, list(read_problem(api))) == (400, ["error", "details"])
    assert (page.status_code, page.headers["Content-Type"]) == (400, "text/html; charset=utf-8")
    assert "Go to the start" in page.text
