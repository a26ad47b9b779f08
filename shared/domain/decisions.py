"""Finds the sentences of a text that tell what was decided. Pure."""

from __future__ import annotations

import re

from shared.domain.sentences import sentences_of

_DECISION = re.compile(
    r"\b(?:decided|decision|chose|chosen|settled on|went with|instead of|rather than|trade-?off)\b",
    re.IGNORECASE,
)


def decisions_in(text: str) -> list[str]:
    """Return the sentences that name a decision, in the third person, in their order."""
    return [sentence for sentence in sentences_of(text) if _DECISION.search(sentence)]
