"""The words of a text as search knows them: lower case, without accents and plurals. Pure.

A name is read as its parts (`parseCode`, `parse_code`: parse, code), scripts without spaces in
pairs of characters, an emoji as a word. A word holds letters, digits or one symbol, so none of it
means anything in a query of the full-text index.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise
from typing import Final
from unicodedata import category, normalize

LONGEST_WORD: Final = 64
"""A word is known by its first characters: base64 is no word that anybody looks for."""
_UNSPACED: Final = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f"
_MARKS: Final = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0963\u0966-\u0dff"
_SYMBOLS: Final = "\u2600-\u27bf\U0001f000-\U0001faff"
_RUN: Final = re.compile(
    rf"[{_UNSPACED}]+|[{_SYMBOLS}]|[^\W_{_UNSPACED}][^\W_{_UNSPACED}{_MARKS}]*"
    rf"(?:[{_MARKS}]+[^\W_{_UNSPACED}{_MARKS}]*)*"
)
_IS_UNSPACED: Final = re.compile(f"[{_UNSPACED}]")
_IS_SYMBOL: Final = re.compile(f"[{_SYMBOLS}]")
_PART: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_ENDING: Final = re.compile(r"(?<=[a-z]{3})(?:ing|ed)$")
_DOUBLED: Final = re.compile(r"([bgmnprt])\1$")


@dataclass(frozen=True, slots=True)
class Word:
    """One word and where it stands, in characters."""

    text: str
    start: int
    end: int


def find_words(text: str) -> Iterator[Word]:
    """Yield a text's words in order."""
    for run in _RUN.finditer(text):
        for word, start, end in _read(run[0]):
            yield Word(word, run.start() + start, run.start() + end)


def words_of(text: str, most: int) -> list[str]:
    """Return the first words of a text in order."""
    found = (word for run in _RUN.finditer(text) for word, _, _ in _read(run[0]))
    return list(islice(found, most))


def _read(run: str) -> Sequence[tuple[str, int, int]]:
    """Return the words of a run of letters, each with its place in it."""
    return _read_again(run) if len(run) <= LONGEST_WORD else _split(run)


def _split(run: str) -> Sequence[tuple[str, int, int]]:
    if _IS_UNSPACED.match(run):
        cuts = [(place, place + 2) for place in range(max(len(run) - 1, 1))]
    elif run.islower() or not run.isascii():
        cuts = [(0, len(run))]
    else:
        cuts = list(pairwise([0, *(found.start() for found in _PART.finditer(run)), len(run)]))
    parts = ((fold(run[start:end]), start, min(end, len(run))) for start, end in cuts)
    return tuple(part for part in parts if part[0])


# Most words are met again: a text is read several times faster.
_read_again: Final = lru_cache(maxsize=50_000)(_split)


def fold(word: str) -> str:
    """Return the form under which a word is known; the same for all its spellings."""
    if word.isascii():
        return _stem(word.lower()[:LONGEST_WORD])
    if _IS_SYMBOL.match(word):
        return word
    plain = normalize("NFKD", word[:LONGEST_WORD]).casefold()
    kept = (c for c in plain if category(c)[0] in "LMN" and not "\u0300" <= c <= "\u036f")
    return _stem(normalize("NFKC", "".join(kept))[:LONGEST_WORD])


def _stem(word: str) -> str:
    """Return an English word without its ending; how it reads does not matter."""
    if len(word) < 4:
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    if word[-1] == "s" and word[-2] not in "us":
        word = word[:-1]
    word = _DOUBLED.sub(r"\1", cut) if (cut := _ENDING.sub("", word)) != word else word
    return word[:-1] if len(word) > 3 and word[-1] == "e" else word
