"""What is shown of a message holds no secret, at any depth."""

from __future__ import annotations

import pytest
from pydantic import JsonValue

from shared.domain.hiding import HIDDEN, hide_in_text, hide_secrets

KEY = "sk-ant-api03-" + "abcDEF0123456789" * 3


@pytest.mark.parametrize(
    "name",
    ["password", "PASSWD", "api_key", "apiKey", "x-api-key", "accessToken", "refresh_token",
     "client_secret", "Authorization", "Set-Cookie", "credentials", "privateKey"],
)  # fmt: skip
def test_what_a_telling_name_holds_is_hidden(name: str) -> None:
    assert hide_secrets([{"a": {name: "x"}}]) == [{"a": {name: HIDDEN}}]
    assert hide_secrets({name: {"deep": ["x"]}}) == {name: HIDDEN}


@pytest.mark.parametrize(
    "value",
    [
        {"tokens": 12},
        {"max_tokens": "12"},
        {"author": "Ada"},
        {"keyboard": "x"},
        {"tokenizer": "x"},
    ],
)
def test_what_only_sounds_like_a_secret_is_shown(value: JsonValue) -> None:
    assert hide_secrets(value) == value


def test_a_secret_is_hidden_by_its_shape_in_names_and_texts() -> None:
    assert KEY not in str(hide_secrets({"note": [f"use {KEY}"], KEY: 1}))


def test_a_secret_that_a_cut_would_break_is_hidden() -> None:
    for start in range(60, 101):
        shown = hide_in_text("x" * start + " " + KEY + " " + "y" * 2_000, 100)
        assert "sk-ant" not in shown
        assert shown.endswith("characters)")


def test_nesting_without_end_is_not_followed() -> None:
    value: JsonValue = KEY
    for _ in range(5_000):
        value = [value]
    assert KEY not in str(hide_secrets(value))
