"""Cuts conversation text into sentences that can stand in a report. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

MIN_CHARACTERS: Final = 24
MAX_CHARACTERS: Final = 220

_CODE_BLOCK = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_TABLE_OR_TREE = re.compile(r"^\s*(?:\||[├└│─]|❯|⎿|⏺|\$ |>).*$", re.MULTILINE)
_MARKUP = re.compile(r"^\s*(?:#+|[-*•]|\d+[.)])\s+|\*\*|__", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_END = re.compile(r"(?<=[.!?])\s+(?=[\"'`(A-Z0-9])|\n+")
_GREETING = re.compile(
    r"^(?:(?:done|perfect|great|good|excellent|yes|no|right|okay|ok|sure|now|so|and|but|hmm|stop)\b[\s,.!:–—-]*)+",
    re.IGNORECASE,
)
_ADDRESSED = re.compile(
    r"\b(?:you|your|yours|you're|you’re|we|our|us|let's|let’s|let me|me|my)\b|[?:]$"
    r"|^(?://|/\*|<|\{)|https?://",
    re.IGNORECASE,
)
_FIRST_PERSON: Final = (
    (re.compile(r"\bI['’]ve\b"), "the assistant has"),
    (re.compile(r"\bI['’]m\b"), "the assistant is"),
    (re.compile(r"\bI['’](?:ll|d)\b"), "the assistant will"),
    (re.compile(r"\bI\b"), "the assistant"),
)


def sentences_of(text: str) -> Iterator[str]:
    """Yield the sentences that speak of the work, in the third person.

    Code, tables, links, questions, and what is addressed to the other speaker are left out.
    """
    prose = _TABLE_OR_TREE.sub("\n", _CODE_BLOCK.sub("\n", text))
    for raw in _END.split(_MARKUP.sub("", _LINK.sub(r"\1", prose))):
        sentence = _GREETING.sub("", " ".join(raw.split()))
        if MIN_CHARACTERS <= len(sentence) <= MAX_CHARACTERS and not _ADDRESSED.search(sentence):
            yield _in_third_person(sentence)


def without_end(sentence: str) -> str:
    """Return a sentence without its closing mark, to be joined with others."""
    return sentence.rstrip(" .!;,")


def _in_third_person(sentence: str) -> str:
    for first, third in _FIRST_PERSON:
        sentence = first.sub(third, sentence)
    return sentence[0].upper() + sentence[1:]
