"""The words by which a reader recognises what some texts have in common. Pure.

A word tells something where many of the texts have it and few others do, like tf-idf over two sets
of texts. Scripts without spaces are read in pairs of characters.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

MOST_WORDS: Final = 6
READ_CHARACTERS: Final = 2_000
"""What stands later in a text names its topic no better."""
_REMEMBERED: Final = 4_096
"""Texts whose words are kept: a topic that is looked at again has mostly the same ones."""
_SHARE: Final = 0.3
"""The share of the texts that must have a word."""
_SMOOTHING: Final = 0.05
_UNSPACED: Final = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f"
_WORD: Final = re.compile(rf"[{_UNSPACED}]+|[^\W\d_{_UNSPACED}][^\W{_UNSPACED}]*")
_RUN: Final = re.compile(f"[{_UNSPACED}]+")
_HEX: Final = re.compile(r"[0-9a-f]*\d[0-9a-f]*")
_COMMON_WORDS: Final = """
    a about above add added after again all almost already also always am an and another any
    are as at back be because been before being below best better between both but by call
    called can cannot change changed changes check code come content could current currently
    did different do does doesn doing don done down each either else even every example few
    file files find first for found from get gets getting give go goes going good got great
    had has have haven having he help her here him his how however i if implement
    implementation implemented in instead into is isn it its itself just keep know last later
    let like line lines ll look looking looks lot made make makes making many may maybe me
    mean might more most much must my name need needed needs never new next no not note
    nothing now of off ok okay old on once one only or other our out over own part path
    perfect please point possible put re read ready really right run running said same say see
    seems set should show shows side since so some something sorry start still stop such sure
    take than that the their them then there these they thing things think this those three
    through time to together too try two under until up update updated updates us use used
    uses using value ve very via want wants was way we well were what when where whether which
    while who why will with within without won work working works would write yes yet you your
    der die das und ist nicht ein eine den dem des mit von für auf im zu wir ich es sie wird
    auch le la les une est pas dans pour que qui sur avec nous vous il elle et un du au ce el
    los las una por para con del se en lo su al como más
"""
"""Of English, of talk about code, and the commonest of German, French and Spanish."""
_COMMON: Final = frozenset(_COMMON_WORDS.split())


@dataclass(frozen=True, slots=True)
class Words:
    """How many of some texts have each word."""

    counts: Counter[str]
    texts: int

    def without(self, fewer: Words) -> Words:
        """Return what is left when some of the texts are taken away."""
        return Words(self.counts - fewer.counts, self.texts - fewer.texts)

    def share(self, word: str) -> float:
        """Return the part of the texts that has a word."""
        return self.counts[word] / self.texts if self.texts else 0.0


def count_words(texts: Iterable[str]) -> Words:
    """Return how many texts have a word: how often one says it tells nothing of the others."""
    each = [_words(text[:READ_CHARACTERS]) for text in texts]
    counts: Counter[str] = Counter()
    for words in each:
        counts.update(words)
    return Words(counts, len(each))


def telling_words(within: Words, outside: Words, *, most: int = MOST_WORDS) -> list[str]:
    """Return the words that the texts within share and those outside lack, the best first."""
    floor = max(min(2, within.texts), _SHARE * within.texts)
    shared = [word for word, count in within.counts.items() if count >= floor]
    scores = {word: _score(within.share(word), outside.share(word)) for word in shared}
    ranked = sorted((-score, word) for word, score in scores.items() if score > 0)
    return _without_forms([word for _, word in ranked])[:most]


def _score(share: float, elsewhere: float) -> float:
    return share * ((share + _SMOOTHING) / (elsewhere + _SMOOTHING) - 1)


@lru_cache(maxsize=_REMEMBERED)
def _words(text: str) -> tuple[str, ...]:
    found: set[str] = set()
    for word in _WORD.findall(text.lower()):
        if _RUN.fullmatch(word):
            found.update(word[at : at + 2] for at in range(max(len(word) - 1, 1)))
        elif len(word) > 2 and word not in _COMMON and not _HEX.fullmatch(word):
            found.add(word)
    return tuple(map(sys.intern, found))  # texts share words: one copy of each is kept


def _without_forms(words: Sequence[str]) -> list[str]:
    """The words without those that are a better one's plural, or it is theirs."""
    kept: list[str] = []
    for word in words:
        if not {f"{word}s", word.removesuffix("s")} & set(kept):
            kept.append(word)
    return kept
