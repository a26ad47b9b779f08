"""The part of a text that a search found, with the places of the words that it was found by. Pure.

Plain text and ranges, never markup: who shows it decides how.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from shared.domain.search_words import Word, find_words

SNIPPET_CHARACTERS: Final = 280
READ_CHARACTERS: Final = 20_000
"""How much of a text is looked through for its best part."""
_LEAD: Final = 40
"""Characters before the first word that was found."""


@dataclass(frozen=True, slots=True)
class Snippet:
    """Part of a text on one line; ranges count characters of `text`, the end not included."""

    text: str
    highlights: tuple[tuple[int, int], ...] = ()
    is_cut_before: bool = False
    is_cut_after: bool = False


def cut_snippet(content: str, words: Collection[str], *, is_whole: bool = True) -> Snippet:
    """Return the part that has the most of the words; the beginning where it has none."""
    text = content[:READ_CHARACTERS]
    found = [word for word in find_words(text) if word.text in words]
    start = _start(text, _best(found))
    end = min(start + SNIPPET_CHARACTERS, len(text))
    inside = [(w.start - start, w.end - start) for w in found if start <= w.start and w.end <= end]
    # Each break becomes one blank: places stay what they are.
    line = "".join(" " if c.isspace() else c for c in text[start:end])
    return Snippet(line, _joined(inside), start > 0, end < len(content) or not is_whole)


def _best(found: Sequence[Word]) -> int:
    """Return where the window starts that has the most different words."""
    best, most, left = 0, 0, 0
    for right, word in enumerate(found):
        while word.end - found[left].start > SNIPPET_CHARACTERS - _LEAD:
            left += 1
        if (count := len({one.text for one in found[left : right + 1]})) > most:
            best, most = found[left].start, count
    return best


def _start(text: str, first: int) -> int:
    """Return where to begin: a little before, at a word."""
    if first <= _LEAD:
        return 0
    blank = text.find(" ", first - _LEAD, first)
    return first if blank < 0 else blank + 1


def _joined(ranges: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return the ranges with those that touch or overlap as one."""
    joined: list[tuple[int, int]] = []
    for start, end in ranges:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)
