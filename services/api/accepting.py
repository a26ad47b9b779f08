"""Decides what may be stored: refuses what cannot be, redacts what must not be. Pure."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Final

from pydantic import JsonValue, TypeAdapter, ValidationError

from shared.domain.redaction import redact
from shared.errors import InvalidInputError, TooLargeError
from shared.messages import Metadata

MAX_CONTENT_CHARACTERS: Final = 262_144
MAX_METADATA_DEPTH: Final = 32
YEARS: Final = range(1970, 2200)
SHORTEST_SECRET: Final = 12
"""Shorter strings, such as names and numbers, are not searched for secrets."""
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_TIME: Final = TypeAdapter(datetime)


def check_text(text: str, field: str) -> str:
    """Return the text.

    Raises:
        InvalidInputError: it holds what Postgres or UTF-8 cannot.
    """
    if found := _UNSTORABLE.search(text):
        name = "NUL (\\u0000)" if found[0] == "\x00" else "a lone surrogate"
        raise InvalidInputError(field, f"contains {name} at character {found.start()}")
    return text


def accept_content(content: str, field: str = "content") -> str:
    """Return the content, secrets redacted.

    Raises:
        InvalidInputError, TooLargeError
    """
    if len(content) > MAX_CONTENT_CHARACTERS:
        reason = f"{len(content)} characters; the limit is {MAX_CONTENT_CHARACTERS}"
        raise TooLargeError(field, reason)
    if not content.strip():
        raise InvalidInputError(field, "is empty")
    return redact(check_text(content, field))[0]


def accept_metadata(metadata: Metadata, field: str = "metadata") -> Metadata:
    """Return the metadata, secrets redacted.

    Raises:
        InvalidInputError: names the path of the first value that cannot be stored.
    """
    return {
        check_text(name, field): _accept_value(value, f"{field}.{name}", 1)
        for name, value in metadata.items()
    }


def _accept_value(value: JsonValue, field: str, depth: int) -> JsonValue:
    if depth > MAX_METADATA_DEPTH:
        raise InvalidInputError(field, f"nests deeper than {MAX_METADATA_DEPTH} levels")
    match value:
        case str():
            checked = check_text(value, field)
            return checked if len(checked) < SHORTEST_SECRET else redact(checked)[0]
        case float() if not math.isfinite(value):
            raise InvalidInputError(field, "is not a finite number")
        case list():
            return [_accept_value(one, f"{field}[{n}]", depth + 1) for n, one in enumerate(value)]
        case dict():
            return {
                check_text(name, field): _accept_value(one, f"{field}.{name}", depth + 1)
                for name, one in value.items()
            }
        case _:
            return value


def occurred_at(metadata: Metadata, *, now: datetime) -> datetime:
    """Return when it happened: `startTime`, else `timestamp`, else now.

    Raises:
        InvalidInputError: the one that counts is no time.
    """
    for name in ("startTime", "timestamp"):
        if (value := metadata.get(name)) not in (None, ""):
            return read_time(value, f"metadata.{name}")
    return now


def read_time(value: JsonValue, field: str) -> datetime:
    """Return an aware time from ISO 8601, or from seconds or milliseconds since 1970.

    Raises:
        InvalidInputError
    """
    try:
        if isinstance(value, bool):
            raise ValueError
        time = _TIME.validate_python(value)
        if time.year not in YEARS:
            raise ValueError
    except (ValidationError, ValueError) as error:
        reason = f"is no time from {YEARS[0]} to {YEARS[-1]}; write it as 2026-01-31T09:30:00Z"
        raise InvalidInputError(field, reason) from error
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time
