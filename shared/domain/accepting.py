"""Decides what may be stored: refuses what cannot be, redacts what must not be. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, TypeAlias

from pydantic import JsonValue, TypeAdapter, ValidationError

from shared.domain.clean_text import find_unstorable
from shared.domain.project_name import MAX_NAME_LENGTH
from shared.domain.redaction import SHORTEST_SECRET, may_hold_secrets, redact, redact_json
from shared.errors import InvalidInputError, TooLargeError
from shared.messages import Metadata

MAX_CONTENT_CHARACTERS: Final = 262_144
MAX_ID_CHARACTERS: Final = 512
"""Ids stand in indexes, whose entries Postgres limits to 2,704 bytes."""
MAX_METADATA_DEPTH: Final = 32
MAX_METADATA_ELEMENTS: Final = 10_000
"""Values of one item, at all depths: bounds the time that a request of 16 MiB takes to check."""
MAX_METADATA_NAME_CHARACTERS: Final = 512
OWN_FIELDS: Final = {
    "chunkId": MAX_ID_CHARACTERS,
    "chunk_id": MAX_ID_CHARACTERS,
    "sessionId": MAX_ID_CHARACTERS,
    "session_id": MAX_ID_CHARACTERS,
    "projectName": MAX_NAME_LENGTH,
    "project_name": MAX_NAME_LENGTH,
}
"""What a message tells in its metadata and a memory has a column for; the most characters."""
YEARS: Final = range(1970, 2200)
_TIME: Final = TypeAdapter(datetime)
_Path: TypeAlias = tuple[str | int, ...]


def check_text(text: str, field: str) -> str:
    """Return the text.

    Raises:
        InvalidInputError: it holds what Postgres or UTF-8 cannot.
    """
    if reason := _describe_unstorable(text):
        raise InvalidInputError(field, reason)
    return text


def _describe_unstorable(text: str) -> str | None:
    if (place := find_unstorable(text)) is None:
        return None
    name = "NUL (\\u0000)" if text[place] == "\x00" else "a lone surrogate"
    return f"contains {name} at character {place}"


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
    return accept_words(content, field)


def accept_words(words: str, field: str) -> str:
    """Return what a person wrote, secrets redacted.

    Raises:
        InvalidInputError: it holds what Postgres or UTF-8 cannot.
    """
    return redact(check_text(words, field))[0]


def accept_metadata(metadata: Metadata, field: str = "metadata") -> Metadata:
    """Return the metadata, secrets redacted.

    Raises:
        InvalidInputError: names the path of the first value that cannot be stored.
    """
    reading = _Reading(field)
    accepted = {
        reading.accept_name(name, ()): reading.accept(value, (name,))
        for name, value in metadata.items()
    }
    # One look at all texts together: nearly always there is nothing to redact.
    if may_hold_secrets("\n".join(reading.texts).lower()):
        return {name: redact_json(value) for name, value in accepted.items()}
    return accepted


@dataclass(slots=True)
class _Reading:
    """The reading of one item's metadata. A path is written out for an error only."""

    name: str
    elements: int = 0
    texts: list[str] = field(default_factory=list[str])
    """Those that are long enough for a secret."""

    def accept(self, value: JsonValue, path: _Path) -> JsonValue:
        self.elements += 1
        if self.elements > MAX_METADATA_ELEMENTS:
            raise self._refusal((), f"holds more than {MAX_METADATA_ELEMENTS} values")
        if len(path) > MAX_METADATA_DEPTH:
            raise self._refusal(path, f"nests deeper than {MAX_METADATA_DEPTH} levels")
        match value:
            case str():
                return self.accept_text(value, path)
            case float() if not math.isfinite(value):
                raise self._refusal(path, "is not a finite number")
            case list():
                return [self.accept(one, (*path, number)) for number, one in enumerate(value)]
            case dict():
                return {
                    self.accept_name(name, path): self.accept(one, (*path, name))
                    for name, one in value.items()
                }
            case _:
                return value

    def accept_text(self, text: str, path: _Path) -> str:
        if reason := _describe_unstorable(text):
            raise self._refusal(path, reason)
        if len(text) >= SHORTEST_SECRET:
            self.texts.append(text)
        return text

    def accept_name(self, name: str, path: _Path) -> str:
        if len(name) > MAX_METADATA_NAME_CHARACTERS:
            reason = (
                f"has a name of {len(name)} characters; the limit is {MAX_METADATA_NAME_CHARACTERS}"
            )
            raise self._refusal(path, reason)
        if reason := _describe_unstorable(name):
            raise self._refusal(path, reason)
        return name

    def _refusal(self, path: _Path, reason: str) -> InvalidInputError:
        parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
        return InvalidInputError(self.name + "".join(parts), reason)


def occurred_at(metadata: Metadata, *, now: datetime) -> datetime:
    """Return when it happened, in UTC: `startTime`, else `timestamp`, else now.

    Raises:
        InvalidInputError: the one that counts is no time.
    """
    if (name := _find_time(metadata)) is None:
        return now
    return read_time(metadata[name], f"metadata.{name}")


def write_time_out(metadata: Metadata) -> Metadata:
    """Return the metadata with the time that counts as ISO 8601 in UTC.

    Postgres reads the text again, and takes numbers and times without a zone for others.

    Raises:
        InvalidInputError: it is no time.
    """
    if (name := _find_time(metadata)) is None:
        return metadata
    time = read_time(metadata[name], f"metadata.{name}")
    return metadata | {name: time.isoformat().replace("+00:00", "Z")}


def _find_time(metadata: Metadata) -> str | None:
    names = (name for name in ("startTime", "timestamp") if metadata.get(name) not in (None, ""))
    return next(names, None)


def read_time(value: JsonValue, field: str) -> datetime:
    """Return a time in UTC from ISO 8601, or from seconds or milliseconds since 1970.

    Raises:
        InvalidInputError
    """
    try:
        if isinstance(value, bool):
            raise ValueError
        time = _TIME.validate_python(value)
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        if time.year not in YEARS:
            raise ValueError
    except (ValidationError, ValueError, OverflowError) as error:
        reason = f"is no time from {YEARS[0]} to {YEARS[-1]}; write it as 2026-01-31T09:30:00Z"
        raise InvalidInputError(field, reason) from error
    return time
