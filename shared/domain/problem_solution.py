"""Problems that are solved within a day, and how fast. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from shared.domain.following import FollowingRule, Speed

PROBLEM_SOLUTION: Final = FollowingRule(
    type="debugging",
    name="problem-solution",
    origin="is_problem",
    later="is_solution",
    within=timedelta(hours=24),
    period_type="day",
    speeds=(
        Speed(timedelta(minutes=30), "quick"),
        Speed(timedelta(hours=2), "moderate"),
        Speed(timedelta(hours=8), "extended"),
        Speed(timedelta(hours=24), "long"),
    ),
    full_at=5,
    cap=0.9,
    one="problem",
    many="problems",
    done="solved",
)
