"""Makes text storable: what Postgres and UTF-8 refuse becomes U+FFFD. Pure."""

from __future__ import annotations

import re

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def find_unstorable(text: str) -> int | None:
    """Return where the first NUL character or lone surrogate stands."""
    if text.isascii() and "\x00" not in text:  # most text, in a twentieth of the time
        return None
    found = _UNSTORABLE.search(text)
    return None if found is None else found.start()


def clean_text(text: str) -> str:
    """Return the text with NUL characters and lone surrogates replaced; same length."""
    return text if find_unstorable(text) is None else _UNSTORABLE.sub(REPLACEMENT, text)


def describe_unstorable(text: str) -> str | None:
    """Return what `clean_text` would replace, for a report; None when there is nothing."""
    nul = text.count("\x00")
    surrogates = len(_UNSTORABLE.findall(text)) - nul
    found = [(nul, "NUL"), (surrogates, "lone surrogate")]
    parts = [f"{count} {name} character(s)" for count, name in found if count]
    return f"{' and '.join(parts)} replaced by U+FFFD" if parts else None
