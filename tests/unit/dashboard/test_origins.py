"""Whether a request is one of our own pages', and to a name of ours."""

from __future__ import annotations

import pytest

from services.api.dashboard.origins import is_allowed_host, is_same_origin

OURS = "http://localhost:8080"


@pytest.mark.parametrize(
    ("headers", "is_ours"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site", "origin": OURS}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"origin": OURS}, True),
        ({"origin": "http://localhost:9090"}, False),
        ({"origin": "https://localhost:8080"}, False),
        ({"origin": "null"}, False),
        ({}, False),
    ],
)
def test_only_our_own_pages_may_change_something(headers: dict[str, str], is_ours: bool) -> None:
    assert is_same_origin({"host": "localhost:8080", **headers}, "http") is is_ours


@pytest.mark.parametrize(
    ("host", "allowed", "is_ours"),
    [
        ("localhost:8080", (), True),
        ("127.0.0.1", (), True),
        ("[::1]:8080", (), True),
        ("LOCALHOST", (), True),
        ("attacker.example", (), False),
        ("localhost.attacker.example", (), False),
        ("memory.example.com:443", ("memory.example.com",), True),
        ("localhost", ("memory.example.com",), False),
        ("", (), False),
        ("[", (), False),
    ],
)
def test_the_dashboard_answers_to_its_own_names(
    host: str, allowed: tuple[str, ...], is_ours: bool
) -> None:
    assert is_allowed_host(host, allowed) is is_ours
