"""Cursors of pages that are ordered by other columns than a time and an id. Pure."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

from pydantic import JsonValue, TypeAdapter

from shared.errors import InvalidInputError

VALUES: Final = TypeAdapter(list[JsonValue])


def write_values(*values: str | int | float) -> str:
    """Return where the next page starts: after the row with these values."""
    text = json.dumps(values, separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_values(cursor: str, field: str) -> list[JsonValue]:
    """Return what `write_values` wrote; the caller checks what kinds of values they are.

    Raises:
        InvalidInputError: it is no list of values.
    """
    try:
        return VALUES.validate_json(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError as error:
        raise not_a_place(field) from error


def not_a_place(field: str) -> InvalidInputError:
    """Return what to raise about a cursor that no page gave."""
    return InvalidInputError(field, "is not the `next` of a page")
