"""Replaces known secret shapes by a visible mark, before anything is stored or embedded. Pure.

google-re2 keeps the time linear in the text whatever the text holds. What no rule knows stays: a
hash, a UUID or a lock file's checksum is no secret.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final, Protocol, cast

import re2  # pyright: ignore[reportMissingTypeStubs]  # ships no types

from shared.domain.clean_text import clean_text
from shared.domain.redaction_rules import RULES, Rule


class _Match(Protocol):
    def span(self, group: int | str = 0, /) -> tuple[int, int]: ...


class _Pattern(Protocol):
    @property
    def groups(self) -> int: ...

    def finditer(self, text: str, /) -> Iterator[_Match]: ...


def _compile(pattern: str) -> _Pattern:
    return cast(_Pattern, re2.compile(pattern))  # pyright: ignore[reportUnknownMemberType]


_COMPILED: Final = tuple((rule, _compile(rule.pattern)) for rule in RULES)


def redact(text: str) -> tuple[str, Counter[str]]:
    """Return the text with each secret replaced by `[redacted:<kind>]`, and how many of each kind.

    Safe to repeat. Characters that cannot be stored are replaced on the way (`clean_text`).
    """
    text = clean_text(text)
    found: Counter[str] = Counter()
    lowered = text.lower()
    for rule, pattern in _COMPILED:
        if any(keyword in lowered for keyword in rule.keywords):
            text = _apply(rule, pattern, text, found)
    return text, found


def _apply(rule: Rule, pattern: _Pattern, text: str, found: Counter[str]) -> str:
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
