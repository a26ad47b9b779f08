"""Investigations: a user looks into why something is so, several times on one day. Pure.

The domain names no minimum for the keyword rule: more than two on a day, as for refactoring, whose
confidence is the closest to this one's. One or two words of a day would be a pattern from nothing.
"""

from __future__ import annotations

from typing import Final

from shared.domain.detector import KeywordRule, SemanticRule, SignalDetector

PROBLEM_SOLVING: Final = SignalDetector(
    type="problem_solving",
    signal="is_problem_solving",
    keyword=KeywordRule(name="investigation", period_type="day", more_than=2, full_at=8, cap=0.85),
    semantic=SemanticRule(
        name="investigation-semantic",
        period_type="day",
        minimum=2,
        full_at=8,
        cap=0.85,
        cosine=0.65,
    ),
)
