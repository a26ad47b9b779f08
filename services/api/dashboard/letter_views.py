"""What the pages of dead letters show beside the API's answers. Pure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final
from uuid import uuid4

from pydantic import JsonValue, ValidationError

from services.api.errors import describe, reason_of
from services.api.idempotency import KeyedRequest
from services.api.letter_answers import LetterFound, LetterListed, OperationRequest, OperationState
from shared.errors import InvalidInputError

TYPED_ABOVE: Final = 100
"""From here on the number must be typed: a habit of pressing a button is no safeguard."""
HEADERS_SHOWN: Final = 20_000
TONES: Final = {
    "queued": "wait", "running": "busy", "done": "ok", "cancelled": "warn", "failed": "bad",
}  # fmt: skip
WORDS: Final = {
    "redrive": ("Redrive", "redriven", "go back into their queue and start with no attempt used"),
    "discard": ("Discard", "discarded", "move to the archive and are not tried again"),
}
SPANS: Final = {86_400: "24 h", 604_800: "7 days", 2_592_000: "30 days", 31_536_000: "year"}


def read_form(fields: Mapping[str, Any]) -> OperationRequest:
    """Return what a form asks for.

    Raises:
        InvalidInputError: it is not as the page made it.
    """
    try:
        return OperationRequest.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        raise InvalidInputError(describe(first["loc"], "form"), reason_of(first)) from error


def new_form_key() -> str:
    """Return what makes two submissions of one form the same."""
    return uuid4().hex


def keyed(kind: str, key: str, body: OperationRequest) -> KeyedRequest:
    """Return a form's request, as `run_once` knows it."""
    text = f"{kind}\n{body.model_dump_json()}"
    return KeyedRequest(key, sha256(text.encode("utf-8", "surrogatepass")).digest())


def describe_progress(operation: OperationState) -> dict[str, Any]:
    """Return what the page of an operation shows."""
    title, done, _ = WORDS[operation.kind]
    return {
        "operation": operation,
        "title": f"{title} of {operation.queue}",
        "done_word": done,
        "tone": TONES[operation.state],
        "is_over": operation.finished_at is not None,
        "share": operation.percent / 100,
    }


def span_of(seconds: int) -> str:
    """Return in words how far bars reach back."""
    return SPANS.get(seconds, "all time")


def show_letter(letter: LetterFound) -> dict[str, Any]:
    """Return what the page of one letter shows."""
    payload = letter.payload_excerpt
    return {
        "letter": letter,
        "sent_at": _moment_or_none(letter.enqueued_at),
        "payload": _as_text(letter.payload) if payload is None else payload,
        "headers": _as_text(letter.headers)[:HEADERS_SHOWN],
    }


def write_csv(letters: Sequence[LetterListed]) -> str:
    """Return letters as a table; no field of it is a formula to a spreadsheet."""
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(LetterListed.model_fields)
    for letter in letters:
        writer.writerow([_inert(value) for value in letter.model_dump(mode="json").values()])
    return table.getvalue()


def _inert(value: object) -> object:
    is_formula = isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{value}" if is_formula else value


def _as_text(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _moment_or_none(text: str | None) -> datetime | None:
    # Anybody may write a report.
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
