"""Code improvement: a user reshapes code on a day, or the same code during a week. Pure."""

from __future__ import annotations

from typing import Final

from shared.domain.detector import KeywordRule, SemanticRule, SignalDetector

REFACTORING: Final = SignalDetector(
    type="refactoring",
    signal="is_refactoring",
    keyword=KeywordRule(
        name="code-improvement", period_type="day", more_than=2, full_at=10, cap=0.85
    ),
    semantic=SemanticRule(
        name="code-improvement-semantic",
        period_type="week",
        minimum=2,
        full_at=10,
        cap=0.85,
        cosine=0.65,
    ),
)
