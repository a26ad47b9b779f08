"""Bodies to `jsonb` and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faststream_pgmq import InvalidMessageError, UnsendableMessageError
from faststream_pgmq.encoding import from_jsonb, to_jsonb


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
