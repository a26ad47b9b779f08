"""What a run left is asked for again: as it was asked for, or in larger pieces."""

from __future__ import annotations

from services.patterns.follow_ups import MOST, request_the_rest
from shared.messages import JOB_ID_HEADER, DetectPatterns

JOB = DetectPatterns(workspace_id="user:0b5c0000-0000-4000-8000-00000000d37e", limit=100)


def test_what_nobody_waits_for_is_looked_at_in_larger_pieces() -> None:
    limits = [JOB.limit]
    rest = JOB
    for _ in range(4):
        rest = request_the_rest(rest, {}).body
        limits.append(rest.limit)
    assert limits == [100, 200, MOST, MOST, MOST]


def test_a_persons_job_keeps_its_limit() -> None:
    assert request_the_rest(JOB, {JOB_ID_HEADER: "one"}).body == JOB


def test_a_larger_limit_than_ours_is_kept() -> None:
    large = JOB.model_copy(update={"limit": 5_000})
    assert request_the_rest(large, {}).body == large
