"""Replaces known secret shapes by a visible mark, before anything is stored or embedded. Pure.

google-re2 keeps the time linear in the text whatever the text holds. What no rule knows stays: a
hash, a UUID or a lock file's checksum is no secret.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from pydantic import JsonValue

from shared.domain.clean_text import clean_text
from shared.domain.linear_regex import LinearPattern, compile_linear
from shared.domain.redaction_rules import RULES, Rule

SHORTEST_SECRET: Final = 12
"""Shorter strings in metadata, such as names and numbers, are not searched for secrets."""
_COMPILED: Final = tuple((rule, compile_linear(rule.pattern)) for rule in RULES)
_KEYWORD: Final = compile_linear(
    "|".join(re.escape(word) for rule in RULES for word in rule.keywords)
)
"""One look instead of one a rule: most texts hold none of them."""


def may_hold_secrets(lowered: str) -> bool:
    """Return whether a text, in lower case, holds a word without which no rule runs."""
    return _KEYWORD.search(lowered) is not None


def redact(text: str) -> tuple[str, Counter[str]]:
    """Return the text with each secret replaced by `[redacted:<kind>]`, and how many of each kind.

    Safe to repeat. Characters that cannot be stored are replaced on the way (`clean_text`).
    """
    text = clean_text(text)
    found: Counter[str] = Counter()
    lowered = text.lower()
    if not may_hold_secrets(lowered):
        return text, found
    for rule, pattern in _COMPILED:
        if any(keyword in lowered for keyword in rule.keywords):
            text = _apply(rule, pattern, text, found)
    return text, found


def redact_json(value: JsonValue) -> JsonValue:
    """Return the value with the secrets in its texts redacted, at any depth; names are kept."""
    match value:
        case str():
            return value if len(value) < SHORTEST_SECRET else redact(value)[0]
        case list():
            return [redact_json(one) for one in value]
        case dict():
            return {name: redact_json(one) for name, one in value.items()}
        case _:
            return value


def _apply(rule: Rule, pattern: LinearPattern, text: str, found: Counter[str]) -> str:
    group = 1 if pattern.groups else 0
    pieces: list[str] = []
    end = 0
    for match in pattern.finditer(text):
        start, stop = match.span(group)
        if rule.accepts(text[start:stop]):
            pieces += (text[end:start], f"[redacted:{rule.kind}]")
            end = stop
            found[rule.kind] += 1
    return "".join((*pieces, text[end:]))
