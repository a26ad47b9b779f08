"""Bodies to and from `jsonb`. Pure.

JSON stays JSON, so that SQL can read it. Text becomes a JSON string, marked by the header
`content-type: text/plain`; other bytes become base64, marked by `content-encoding: base64`.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any, Final

from faststream_pgmq.errors import InvalidMessageError, UnsendableMessageError

CONTENT_TYPE: Final = "content-type"
CONTENT_ENCODING: Final = "content-encoding"
JSON: Final = "application/json"
TEXT: Final = "text/plain"

_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def to_jsonb(payload: bytes, content_type: str | None) -> tuple[str, dict[str, str]]:
    """Return the message as JSON text, and the headers that tell how to read it back.

    Raises:
        UnsendableMessageError: Postgres could not store it.
    """
    if content_type is not None and content_type.startswith(JSON):
        return _storable(payload.decode()), {}
    if content_type is not None and content_type.startswith(TEXT):
        return _storable(json.dumps(payload.decode(), ensure_ascii=False)), {CONTENT_TYPE: TEXT}
    if not payload:
        return "null", {}
    if (text := _as_json(payload)) is not None:
        return _storable(text), {}
    headers = {CONTENT_ENCODING: "base64"} | ({CONTENT_TYPE: content_type} if content_type else {})
    return json.dumps(base64.b64encode(payload).decode()), headers


def from_jsonb(text: str, headers: dict[str, Any]) -> tuple[bytes, str | None]:
    """Return a message's body and content type as its sender's codec made them.

    Raises:
        InvalidMessageError: the headers promise what the message is not.
    """
    if headers.get(CONTENT_ENCODING) == "base64":
        return _from_base64(text), _content_type(headers)
    if headers.get(CONTENT_TYPE) == TEXT and text.startswith('"'):
        return json.loads(text).encode(), TEXT
    return text.encode(), JSON


def _content_type(headers: dict[str, Any]) -> str | None:
    value = headers.get(CONTENT_TYPE)
    return value if isinstance(value, str) else None


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(json.loads(text), validate=True)
    except (TypeError, binascii.Error, ValueError) as error:
        raise InvalidMessageError("message: not base64, as its header says") from error


def _as_json(payload: bytes) -> str | None:
    try:
        text = payload.decode()
        json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return text


def _refuse(constant: str) -> None:
    # Python reads NaN and Infinity, which are no JSON.
    raise ValueError(constant)


def _storable(text: str) -> str:
    if _NUL.search(text):
        raise UnsendableMessageError("message: contains a NUL character; Postgres cannot store it")
    return text
