"""Research sessions: a user asks much on a day, or about the same thing during a week. Pure."""

from __future__ import annotations

from typing import Final

from shared.domain.detector import KeywordRule, SemanticRule, SignalDetector

LEARNING: Final = SignalDetector(
    type="learning",
    signal="is_learning",
    keyword=KeywordRule(
        name="research-session", period_type="day", more_than=3, full_at=15, cap=0.9
    ),
    semantic=SemanticRule(
        name="research-session-semantic",
        period_type="week",
        minimum=3,
        full_at=15,
        cap=0.9,
        cosine=0.65,
    ),
)
