"""Families of English words and phrases that speak for or against an activity. Pure.

Written from general knowledge and from the development sessions of the model card, before the
sessions kept aside were read. What each family is worth is learned, never set by hand.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

_LONGEST_WORD: Final = 24

_STEMS: Final[Mapping[str, str]] = {
    "fault": "bug fix fail error crash exception panic broken debug regress race leak wrong problem"
    " issue flak hang stuck conflict corrupt invalid incorrect lint",
    "cause": "bug fail fix because actually wasn't cause broke",
    "reshape": "renam simplif clean unif extract duplicat consolidat reorgani restructur refactor"
    " remov delet replac mov split unused obsolete redundant reus inlin separat convert constant"
    " readab standardi",
    "rename": "renam",
    "remove": "remov delet drop",
    "simplify": "simplif clean tidy tidied readab messy ugly obvious clutter nicer",
    "merge_alike": "duplicat dedup unif consolidat shared sharing common reus twice same both",
    "relocate": "extract mov split separat inlin replac convert constant helper everywhere instead",
    "dead": "unused obsolete redundant unnecessar unneeded deprecat legacy yagni",
    "rework": "refactor restructur reorgani rework rewrit redesign modulari standardi migrat",
    "naming": "naming name convention consisten style standard pattern",
    "check": "explain check validat verif tell review look compar research analys analyz summari"
    " understand describ show why wondering",
}
_WHOLE: Final[Mapping[str, str]] = {
    "done": "done added created updated removed renamed replaced fixed committed pushed",
    "negation": "not no never nothing missing without cannot can't won't doesn't didn't isn't"
    " aren't don't expected but wrong incorrect unexpected broken lost stale anymore longer still"
    " silently",
    "upkeep": "commit push pull merge rebase pr branch review release issue description readme"
    " changelog doc docs",
    "test": "test tests",
}
RESHAPINGS: Final = (
    "rename", "remove", "simplify", "merge_alike", "relocate", "dead", "rework", "naming",
)  # fmt: skip

_FAMILIES: Final = {
    **{name: re.compile(rf"(?:{'|'.join(stems.split())})") for name, stems in _STEMS.items()},
    **{name: re.compile(rf"(?:{'|'.join(words.split())})\Z") for name, words in _WHOLE.items()},
}


def _phrase(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


OPENS_AS_QUESTION: Final = _phrase(
    r"\W*(?:q|question|how|what|why|where|which|when|who|is|are|was|were|does|do|did|has|have"
    r"|explain|describe|tell me|any)\b"
)
ASKS_POLITELY: Final = _phrase(r"\b(?:can|could|would|should|shall) (?:we|you|i)\b")
ORDERS: Final = _phrase(
    r"(?:^|[.!?:,]\s|\b(?:and|then|also|to|let['’]?s|please|we should|i want)\s)\s*"
    r"(?:add|create|write|implement|make|build|include|introduce|support|use|allow|generate)\b"
)
AGREES: Final = _phrase(
    r"\W*(?:yes|yeah|yep|ok|okay|sure|great|good|nice|no|perfect|thanks|go ahead|continue)\b"
)
RELOCATES: Final = _phrase(r"\bmov(?:e|ed|es|ing)\b[^\n]{1,60}?\b(?:to|into|out|from|back)\b")
PRAISES_QUESTION: Final = _phrase(
    r"\W*(?:good|great|excellent|fair) (?:question|point|catch)|\b(?:to|short) answer\b"
)
SHOWS_OUTPUT: Final = re.compile(
    r"Traceback|panic:|\bat \S+:\d+|Error:|FAIL|exit (?:code|status) [1-9]|\$ "
)


def count_families(words: Iterable[str]) -> Counter[str]:
    """Return how many of the words belong to each family."""
    counts: Counter[str] = Counter()
    for word in words:
        for family in _families_of(word[:_LONGEST_WORD]):
            counts[family] += 1
    return counts


@lru_cache(maxsize=50_000)
def _families_of(word: str) -> tuple[str, ...]:
    return tuple(name for name, pattern in _FAMILIES.items() if pattern.match(word))
