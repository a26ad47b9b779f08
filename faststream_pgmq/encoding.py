"""Bodies and headers to and from `jsonb`. Pure.

JSON stays JSON, so that SQL can read it. Text becomes a JSON string, marked by the header
`content-type: text/plain`; other bytes become base64, marked by `content-encoding: base64`.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any, Final

from faststream._internal._compat import dump_json  # pyright: ignore[reportUnknownVariableType]  # orjson or json, untyped

from faststream_pgmq.errors import InvalidMessageError, UnsendableMessageError

CONTENT_TYPE: Final = "content-type"
CONTENT_ENCODING: Final = "content-encoding"
JSON: Final = "application/json"
TEXT: Final = "text/plain"

_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_SUSPICIOUS = re.compile(r"\\u(?:0000|[dD][89a-fA-F])|NaN|Infinity")
"""What it finds may still be harmless."""


def to_jsonb(payload: bytes, content_type: str | None) -> tuple[str, dict[str, str]]:
    """Return the message as JSON text, and the headers that tell how to read it back.

    Raises:
        UnsendableMessageError: Postgres could not store it.
    """
    if content_type is not None and content_type.startswith(JSON):
        return _storable(_utf8(payload)), {}
    if content_type is not None and content_type.startswith(TEXT):
        return _storable(json.dumps(_utf8(payload), ensure_ascii=False)), {CONTENT_TYPE: TEXT}
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


def headers_to_jsonb(headers: dict[str, Any]) -> str:
    """Return headers as JSON text; takes whatever pydantic can serialize.

    Raises:
        UnsendableMessageError: Postgres could not store one of them; names it.
    """
    try:
        return _headers_text(headers)
    except (TypeError, ValueError, RecursionError) as error:
        raise UnsendableMessageError(_explain(headers, error)) from None


def _headers_text(headers: dict[str, Any]) -> str:
    encoded: bytes = dump_json(headers)
    return _storable(encoded.decode())


def _explain(headers: dict[str, Any], error: Exception) -> str:
    for name, value in headers.items():
        try:
            _headers_text({name: value})
        except UnsendableMessageError as reason:
            return f"header {name!r} {reason.problem}"
        except (TypeError, ValueError, RecursionError) as reason:
            return f"header {name!r} is no JSON: {unencodable(reason)}"
    return f"its headers are no JSON: {unencodable(error)}"


def unencodable(error: Exception) -> str:
    """Return why something could not be made JSON, without what it says."""
    if isinstance(error, RecursionError):
        return "nested too deep"
    if isinstance(error, UnicodeError) or "surrogates" in str(error):  # the latter is orjson's
        return "half a surrogate pair, which is no Unicode"
    return f"{type(error).__name__}: {error}"


def _utf8(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise UnsendableMessageError("is not UTF-8, though its codec says it is text") from None


def _storable(text: str) -> str:
    # To look for fixed words takes a tenth of the time; most messages hold none of them.
    may_be_suspicious = "\\u" in text or "NaN" in text or "Infinity" in text
    if may_be_suspicious and _SUSPICIOUS.search(text) is not None:
        _refuse_unstorable(text)
    return text


def _refuse_unstorable(text: str) -> None:
    if _NUL.search(text):
        raise UnsendableMessageError("contains a NUL character; Postgres cannot store it")
    try:
        json.dumps(json.loads(text, parse_constant=_refuse), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        text = "contains half a surrogate pair, which is no Unicode; Postgres cannot store it"
        raise UnsendableMessageError(text) from None
    except RecursionError:
        return  # how deep it may be, only the server knows
    except ValueError as error:
        raise UnsendableMessageError(f"is no JSON that Postgres can store: {error}") from None
