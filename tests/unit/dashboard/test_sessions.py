"""What a session cookie holds, and when it ends."""

from __future__ import annotations

import time
from dataclasses import replace
from uuid import uuid4

import pytest
from pydantic import SecretStr

from services.api.dashboard.login import own_path
from services.api.dashboard.login_limits import TRIES_OF_ALL, TRIES_OF_ONE, LoginLimits
from services.api.dashboard.secret import choose_secret
from services.api.dashboard.session import IDLE_SECONDS, LONGEST_SECONDS, Session, Sessions
from shared.errors import SettingsError
from shared.settings import Settings

SESSIONS = Sessions("a secret of at least thirty-two characters")
NOW = int(time.time())
SESSION = Session(uuid4(), f"team:{uuid4()}", NOW, NOW)


def settings(host: str, secret: str | None = None) -> Settings:
    hidden = SecretStr("unused")
    return Settings(
        postgres_dsn=hidden,
        neo4j_uri="bolt://unused",
        neo4j_password=hidden,
        http_host=host,
        session_secret=SecretStr(secret) if secret else None,
    )


def test_a_cookie_says_who_and_nothing_more() -> None:
    assert SESSIONS.read(SESSIONS.write(SESSION)) == SESSION


def test_a_changed_cookie_is_nobodys() -> None:
    cookie = SESSIONS.write(SESSION)

    assert SESSIONS.read(cookie[:-2]) is None
    assert SESSIONS.read("x" + cookie) is None
    assert SESSIONS.read("") is None
    assert Sessions("another secret of thirty-two characters").read(cookie) is None


@pytest.mark.parametrize(
    "ended",
    [
        replace(SESSION, seen_at=NOW - IDLE_SECONDS - 1),
        replace(SESSION, issued_at=NOW - LONGEST_SECONDS - 1),
    ],
    ids=["idle", "old"],
)
def test_a_session_ends(ended: Session) -> None:
    assert SESSIONS.read(SESSIONS.write(ended)) is None


def test_a_form_token_is_of_one_session() -> None:
    other = replace(SESSION, key_id=uuid4())
    token = SESSIONS.form_token(SESSION)

    assert SESSIONS.is_form_token(SESSION, token)
    assert not SESSIONS.is_form_token(other, token)
    assert not SESSIONS.is_form_token(SESSION, "")
    assert not SESSIONS.is_form_token(SESSION, "é")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "memory.example.com"])
def test_an_address_that_others_reach_needs_a_secret(host: str) -> None:
    with pytest.raises(SettingsError, match="SUPASTATE_SESSION_SECRET"):
        choose_secret(settings(host))

    assert choose_secret(settings(host, "x" * 32)) == "x" * 32


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_on_loopback_each_start_has_its_own_secret(host: str) -> None:
    assert choose_secret(settings(host)) != choose_secret(settings(host))


@pytest.mark.parametrize(
    "target",
    [
        "https://attacker.example",
        "//attacker.example",
        "/\\attacker.example",
        "/dashboard/\\attacker.example",
        "/dashboardx",
        "/api/keys",
        "/dashboard/\r\nx: y",
        "",
    ],
)
def test_a_login_leads_to_no_other_site(target: str) -> None:
    assert own_path(target) == "/dashboard"


def test_a_login_leads_to_where_one_wanted_to_go() -> None:
    assert own_path("/dashboard/jobs?state=dead") == "/dashboard/jobs?state=dead"


def test_one_address_may_try_so_often_and_others_still_can() -> None:
    limits = LoginLimits()
    waits = [limits.find_wait_seconds("10.0.0.1") for _ in range(TRIES_OF_ONE + 1)]

    assert max(waits[:-1]) == 0
    assert waits[-1] > 0
    assert limits.find_wait_seconds("10.0.0.2") == 0


def test_all_addresses_together_may_try_so_often() -> None:
    limits = LoginLimits()
    waits = [limits.find_wait_seconds(f"10.0.0.{number}") for number in range(TRIES_OF_ALL + 1)]

    assert max(waits[:-1]) == 0
    assert waits[-1] > 0
