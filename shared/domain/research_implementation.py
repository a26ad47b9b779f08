"""Research that leads to an implementation within a week. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from shared.domain.following import FollowingRule, Speed

RESEARCH_IMPLEMENTATION: Final = FollowingRule(
    type="learning",
    name="research-implementation",
    origin="is_learning",
    later="is_implementation",
    within=timedelta(days=7),
    period_type="week",
    speeds=(
        Speed(timedelta(hours=1), "within_an_hour"),
        Speed(timedelta(days=1), "within_a_day"),
        Speed(timedelta(days=7), "within_a_week"),
    ),
    full_at=5,
    cap=0.9,
    one="question",
    many="questions",
    done="followed by an implementation",
)
