"""Text that Postgres and UTF-8 can hold."""

from __future__ import annotations

import pytest

from shared.domain.clean_text import clean_text, find_unstorable


@pytest.mark.parametrize(
    ("text", "place", "clean"),
    [
        ("", None, ""),
        ("plain", None, "plain"),
        ("größer 🙂", None, "größer 🙂"),
        ("a\x00b", 1, "a�b"),
        ("é\x00", 1, "é�"),
        ("🙂\udfff\ud800", 1, "🙂��"),
    ],
)
def test_what_cannot_be_stored_is_found_and_replaced(
    text: str, place: int | None, clean: str
) -> None:
    assert find_unstorable(text) == place
    assert clean_text(text) == clean
