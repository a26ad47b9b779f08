"""Splits a memory into what was asked and what was answered. Pure.

The prompt says what a person wanted, the answer only what it took, so the two are read apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

LEAD_CHARACTERS: Final = 500
ANSWER_CHARACTERS: Final = 1_500
_ANNOUNCEMENT_CHARACTERS: Final = 80
_ANNOUNCED_CHARACTERS: Final = 300
_READ_CHARACTERS: Final = 4_000
_WORD: Final = re.compile(r"[a-z_']+|\?|\d+")


@dataclass(frozen=True, slots=True)
class Turn:
    """The first paragraph, and the beginning of what follows it."""

    lead: str
    answer: str
    rest_characters: int


def split_turn(text: str) -> Turn:
    """Return the parts; a short first line that ends in a colon takes in what it announces."""
    begun = text[:_READ_CHARACTERS].lstrip()
    end = begun.find("\n\n")
    end = len(begun) if end < 0 else end
    first = begun[:end].rstrip()
    if len(first) < _ANNOUNCEMENT_CHARACTERS and first.endswith(":"):
        end += _ANNOUNCED_CHARACTERS
    end = min(end, LEAD_CHARACTERS)
    rest = begun[end:].lstrip()
    unread = max(len(text) - _READ_CHARACTERS, 0)
    return Turn(begun[:end], rest[:ANSWER_CHARACTERS], len(rest) + unread)


def words_in(text: str) -> list[str]:
    """Return words, numbers and question marks in lower case; `don’t` and `don't` are one."""
    return _WORD.findall(text.lower().replace("’", "'"))
