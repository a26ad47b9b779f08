"""Dead letters as people see them: no secrets, newest call first, no more than is read. Pure."""

from __future__ import annotations

import json
from typing import Any, Final, cast

from pydantic import JsonValue

from services.api.letter_answers import (
    ErrorFound,
    FrameFound,
    LetterFound,
    LetterGroupFound,
    LetterListed,
    OperationState,
)
from shared.domain.hiding import hide_in_text, hide_secrets
from shared.domain.tracebacks import read_traceback
from shared.postgres.dead_letters import LetterGroup, LetterRow, WholeLetter
from shared.postgres.operations import Operation

FRAMES_SHOWN: Final = 100
TRACEBACK_SHOWN: Final = 16_000
PAYLOAD_SHOWN: Final = 20_000
IDS_SHOWN: Final = 20
UNREADABLE: Final = "(too large or nested too deep to be shown)"


def describe_group(group: LetterGroup) -> LetterGroupFound:
    """Return a group as clients see it."""
    return LetterGroupFound(
        fingerprint=group.fingerprint,
        queue=group.queue,
        error=hide_in_text(group.error),
        title=hide_in_text(group.title),
        frame=group.frame,
        count=group.count,
        first_seen=group.first_at,
        last_seen=group.last_at,
        release=group.release,
        bars=group.bars,
        bars_seconds=group.bars_seconds,
        newest_id=group.newest_id,
    )


def describe_letter(letter: LetterRow) -> LetterListed:
    """Return a letter as a list shows it."""
    return LetterListed.model_validate(_listed(letter))


def describe_whole_letter(letter: WholeLetter) -> LetterFound:
    """Return a letter with what it holds; takes some 0.1 s where that is megabytes."""
    text = hide_in_text(letter.traceback or "")
    traceback = read_traceback(text, FRAMES_SHOWN)
    errors = [
        ErrorFound(error=one.error, frames=[_frame(frame) for frame in one.frames])
        for one in traceback.sections
    ]
    report = _as_object(_as_object(letter.headers).get("dead_letter"))
    return LetterFound.model_validate(
        _listed(letter)
        | _payload(letter)
        | {
            "errors": errors,
            "frames_omitted": max(traceback.omitted, (letter.traceback_frames or 0) - FRAMES_SHOWN),
            "traceback": text[-TRACEBACK_SHOWN:],
            "traceback_bytes": letter.traceback_bytes or 0,
            "headers": hide_secrets(letter.headers, PAYLOAD_SHOWN),
            "enqueued_at": _text_or_none(report.get("enqueued_at")),
            "deliveries": _number_or_none(report.get("deliveries")),
        }
    )


def describe_operation(operation: Operation) -> OperationState:
    """Return an operation as clients see it."""
    meant = dict(operation.filter)
    if len(ids := cast(list[int], meant.get("ids", []))) > IDS_SHOWN:
        meant["ids"] = [*ids[:IDS_SHOWN], f"… ({len(ids)})"]
    passed = operation.total - operation.left
    names = OperationState.model_fields.keys() - {"filter", "percent"}
    percent = round(100 * passed / operation.total, 1) if operation.total else 100.0
    values = {name: getattr(operation, name) for name in names}
    return OperationState.model_validate(values | {"filter": meant, "percent": percent})


def show_payload(letter: WholeLetter) -> str:
    """Return all of a payload as JSON text, without secrets."""
    value, is_readable = _read(letter.payload)
    return (
        json.dumps(hide_secrets(value), ensure_ascii=False, indent=2) if is_readable else UNREADABLE
    )


def read_payload(letter: WholeLetter) -> JsonValue:
    """Return a payload as it is; its text where Python cannot read it."""
    return _read(letter.payload)[0]


def _listed(letter: LetterRow) -> dict[str, Any]:
    names = LetterListed.model_fields.keys() - {"id", "error", "message"}
    return {
        "id": letter.msg_id,
        "error": hide_in_text(letter.error),
        "message": hide_in_text(letter.message),
    } | {name: getattr(letter, name) for name in names}


def _payload(letter: WholeLetter) -> dict[str, Any]:
    value, is_readable = _read(letter.payload)
    shown = hide_secrets(value, PAYLOAD_SHOWN) if is_readable else UNREADABLE
    text = json.dumps(shown, ensure_ascii=False, indent=2)
    is_long = len(text) > PAYLOAD_SHOWN or not is_readable
    return {
        "payload": None if is_long else shown,
        "payload_excerpt": text[:PAYLOAD_SHOWN] if is_long else None,
        "payload_bytes": letter.payload_bytes or 0,
    }


def _read(text: str | None) -> tuple[JsonValue, bool]:
    # Such a message is among the dead letters because it cannot be read: it must be shown.
    try:
        return (None, False) if text is None else (json.loads(text), True)
    except (ValueError, RecursionError):
        return text, False


def _frame(frame: Any) -> FrameFound:
    names = FrameFound.model_fields
    return FrameFound.model_validate({name: getattr(frame, name) for name in names})


def _as_object(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number_or_none(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
