"""Keyset pages: a cursor names the last row of a page by the columns that order it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final, TypeAlias, TypeVar

from fastapi import Query

from services.api.examples import JOB_CURSOR
from shared.errors import InvalidInputError

Id = TypeVar("Id")
SEPARATOR: Final = "_"

Cursor: TypeAlias = Annotated[
    str | None,
    Query(max_length=200, description="`next` of the page before this one", examples=[JOB_CURSOR]),
]
Limit: TypeAlias = Annotated[int, Query(ge=1, le=100)]


def write_cursor(at: datetime, row_id: object) -> str:
    """Return where the next page starts: after the row with this time and id."""
    return f"{at.isoformat()}{SEPARATOR}{row_id}"


def read_cursor(
    cursor: str | None, read_id: Callable[[str], Id], field: str = "before"
) -> tuple[datetime, Id] | None:
    """Return what `write_cursor` wrote; None is the first page.

    Raises:
        InvalidInputError: it did not write this.
    """
    if cursor is None:
        return None
    at, _, row_id = cursor.partition(SEPARATOR)
    try:
        moment, found = datetime.fromisoformat(at), read_id(row_id)
        if moment.tzinfo is None:
            raise ValueError
    except ValueError as error:
        raise InvalidInputError(field, "is not the `next` of a page") from error
    return moment, found
