"""What of a message may be shown: secrets are hidden by their shape and by their name. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pydantic import JsonValue

from shared.domain.redaction import redact

HIDDEN: Final = "[redacted:named]"
DEEPEST: Final = 200
"""Beyond it nothing is shown: what is nested deeper cannot be read by Python either."""
MARGIN: Final = 1_000
_SECRET_NAME: Final = re.compile(
    r"pass(word|wd|phrase)|pwd|secret|(?<!max-)(?<!max)tokens?$|api-?key|access-?key|private-?key"
    r"|authorization|cookie|credential|session-?key|signature",
    re.IGNORECASE,
)


def hide_secrets(value: JsonValue, longest: int | None = None, depth: int = 0) -> JsonValue:
    """Return the value without secrets, at any depth; what a telling name holds is hidden whole.

    Texts are cut at `longest` characters.
    """
    if depth > DEEPEST:
        return HIDDEN
    match value:
        case str():
            return hide_in_text(value, longest)
        case list():
            return [hide_secrets(one, longest, depth + 1) for one in value]
        case dict():
            return {
                hide_in_text(name, longest): HIDDEN
                if _is_secret(name, one)
                else hide_secrets(one, longest, depth + 1)
                for name, one in value.items()
            }
        case _:
            return value


def hide_in_text(text: str, longest: int | None = None) -> str:
    """Return a text, such as an error or a traceback, without secrets."""
    if longest is None or len(text) <= longest:
        return redact(text)[0]
    # Some more is read than is shown, so that no secret is cut before it is known as one.
    return redact(text[: longest + MARGIN])[0][:longest] + f"… ({len(text):,} characters)"


def _is_secret(name: str, value: JsonValue) -> bool:
    # A number under such a name counts something: `tokens`, `session_key`.
    holds_text = isinstance(value, str) or (isinstance(value, list | Mapping) and bool(value))
    return holds_text and _SECRET_NAME.search(name.replace("_", "-")) is not None
