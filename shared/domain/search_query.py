"""What somebody searches for: words that may occur, and quoted phrases that must. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from shared.domain.search_words import find_words, words_of

MOST_CHARACTERS: Final = 1_000
MOST_WORDS: Final = 48
"""Words of a query that are looked up, the first; each is read through in the index."""
_QUOTED: Final = re.compile(r'"([^"]*)"|“([^“”]*)”|„([^„“”]*)[“”]|«([^«»]*)»')
_NAME: Final = re.compile(r"[^\W\d][\w.]*\w")


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """The words of a query, as the index knows them."""

    text: str
    words: tuple[str, ...]
    """Each once; those of the phrases too."""
    phrases: tuple[tuple[str, ...], ...] = ()
    """Words that a result has side by side in this order."""
    names: tuple[tuple[str, ...], ...] = ()
    """The parts of names such as `parse_code`: better side by side."""

    @property
    def plain_text(self) -> str:
        """The query without its quotation marks, for the embedder."""
        return _QUOTED.sub(lambda found: next((g for g in found.groups() if g), " "), self.text)


def read_query(text: str) -> SearchQuery:
    """Return a query in its parts; a quotation mark without its partner means nothing."""
    words = tuple(dict.fromkeys(word.text for word in find_words(text)))[:MOST_WORDS]
    quoted = (part for found in _QUOTED.finditer(text) for part in found.groups() if part)
    return SearchQuery(text, words, _runs(quoted, 1), _runs(_NAME.findall(text), 2))


def _runs(texts: Iterable[str], least: int) -> tuple[tuple[str, ...], ...]:
    runs = (tuple(words_of(text, MOST_WORDS)) for text in texts)
    return tuple(dict.fromkeys(run for run in runs if len(run) >= least))
