"""Bodies to `jsonb` and back."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faststream_pgmq import InvalidMessageError, UnsendableMessageError
from faststream_pgmq.encoding import from_jsonb, headers_to_jsonb, to_jsonb


@given(st.binary())
def test_bytes_come_back_as_they_went_unless_they_are_json(payload: bytes) -> None:
    try:
        text, headers = to_jsonb(payload, None)
    except UnsendableMessageError:
        return
    body, _ = from_jsonb(text, headers)
    json.loads(text)

    assert body == payload or json.loads(body) == json.loads(payload or b"null")


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])))
def test_text_comes_back_as_it_went(text: str) -> None:
    stored, headers = to_jsonb(text.encode(), "text/plain")

    assert from_jsonb(stored, headers) == (text.encode(), "text/plain")


@pytest.mark.parametrize(
    ("payload", "content_type"),
    [(b'"a\\u0000"', "application/json"), (b"a\x00b", "text/plain"), (b'["\\\\\\u0000"]', None)],
)
def test_a_nul_character_is_refused(payload: bytes, content_type: str | None) -> None:
    with pytest.raises(UnsendableMessageError, match="NUL"):
        to_jsonb(payload, content_type)


def test_a_backslash_before_u0000_is_no_nul() -> None:
    assert to_jsonb(b'"\\\\u0000"', "application/json") == ('"\\\\u0000"', {})


@pytest.mark.parametrize("payload", [b"NaN", b"[Infinity]", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_travels_as_base64(payload: bytes) -> None:
    text, headers = to_jsonb(payload, None)

    assert headers == {"content-encoding": "base64"}
    assert from_jsonb(text, headers)[0] == payload


@pytest.mark.parametrize("text", ["7", "null", '"?"', "{}", '["YQ=="]'])
def test_headers_that_promise_base64_falsely_are_an_invalid_message(text: str) -> None:
    with pytest.raises(InvalidMessageError, match="base64"):
        from_jsonb(text, {"content-encoding": "base64"})


@pytest.mark.parametrize("odd", [None, 7, [], {"a": 1}, "application/xml"])
def test_an_odd_content_type_changes_nothing(odd: Any) -> None:
    assert from_jsonb('{"a": 1}', {"content-type": odd}) == (b'{"a": 1}', "application/json")


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b'{"n": NaN}', "is no JSON that Postgres can store: NaN"),
        (b"[Infinity]", "Infinity"),
        (b'"\\ud800"', "half a surrogate pair"),
        (b'{"\\uDfFf": 1}', "half a surrogate pair"),
        (b"\xff", "not UTF-8"),
    ],
)
def test_json_that_postgres_would_refuse_is_refused_before(payload: bytes, reason: str) -> None:
    with pytest.raises(UnsendableMessageError, match=reason):
        to_jsonb(payload, "application/json")


@pytest.mark.parametrize(
    "payload", [b'"NaN"', b'{"Infinity": 1}', b'"\\ud83d\\ude00"', b'"\\\\ud800"', b'"\\u0001"']
)
def test_what_only_looks_unstorable_is_stored(payload: bytes) -> None:
    assert to_jsonb(payload, "application/json") == (payload.decode(), {})


def test_headers_may_hold_whatever_pydantic_can_serialize() -> None:
    text = headers_to_jsonb({"at": datetime(2026, 1, 1, tzinfo=UTC), "of": {UUID(int=1)}})

    assert json.loads(text)["of"] == [str(UUID(int=1))]


@given(st.dictionaries(st.text(), st.text() | st.floats() | st.integers() | st.binary()))
def test_headers_are_json_or_the_one_that_is_not_is_named(headers: dict[str, Any]) -> None:
    try:
        json.loads(headers_to_jsonb(headers))
    except UnsendableMessageError as error:
        assert any(repr(name) in error.problem for name in headers)  # noqa: PT017


@pytest.mark.parametrize("value", [math.nan, -math.inf, "\x00", "\ud800", {"a": ["\udfff"]}])
def test_without_orjson_the_same_headers_are_refused(
    value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dump_json(headers: Any) -> bytes:
        return json.dumps(headers).encode()

    monkeypatch.setattr("faststream_pgmq.encoding.dump_json", dump_json)
    with pytest.raises(UnsendableMessageError, match="header 'odd'"):
        headers_to_jsonb({"good": 1, "odd": value})
