"""A cursor leads to the row after the last one of a page, whatever the time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from services.api.paging import read_cursor, write_cursor
from shared.errors import InvalidInputError

AT = datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=UTC)
ID = UUID("6a7c5c4e-0d9b-4a52-8f0b-8d9e1d3f0001")


def test_a_cursor_says_where_the_next_page_starts() -> None:
    assert read_cursor(write_cursor(AT, ID), UUID) == (AT, ID)
    assert read_cursor(write_cursor(AT, 41), int) == (AT, 41)
    local = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert read_cursor(write_cursor(local, 41), int) == (AT, 41)


def test_no_cursor_is_the_first_page() -> None:
    assert read_cursor(None, UUID) is None


@pytest.mark.parametrize(
    "cursor", ["", "_", "x_1", "2026-03-01T09:30:00_1", f"{AT.isoformat()}_x", "2026-03-01"]
)
def test_another_text_is_refused_by_the_fields_name(cursor: str) -> None:
    with pytest.raises(InvalidInputError, match="`next`") as refused:
        read_cursor(cursor, int, "after")
    assert refused.value.field == "after"
