"""Debugging sessions: a user hunts many failures on a day, or the same one again. Pure."""

from __future__ import annotations

from typing import Final

from shared.domain.detector import KeywordRule, SemanticRule, SignalDetector

DEBUGGING: Final = SignalDetector(
    type="debugging",
    signal="is_debugging",
    keyword=KeywordRule(
        name="debugging-session", period_type="day", more_than=5, full_at=20, cap=0.95
    ),
    semantic=SemanticRule(
        name="debugging-session-semantic",
        period_type="week",
        minimum=3,
        full_at=20,
        cap=0.95,
        cosine=0.65,
    ),
)
