"""Pairs of an origin and what followed it: which are true, and what a pattern says of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.calibration import Calibration
from shared.domain.following import Candidate
from shared.domain.following_findings import find_following
from shared.domain.places import Place
from shared.domain.problem_solution import PROBLEM_SOLUTION
from shared.domain.research_implementation import RESEARCH_IMPLEMENTATION
from tests.unit.domain.domain_builders import MONDAY, summary

SAME_SCALE = Calibration()


def candidate(
    minutes: float,
    similarity: float = 0.7,
    *,
    problem: str = "problem",
    solution: str = "solution",
    same_session: bool = True,
    shared_files: int = 0,
    signals: tuple[str, ...] = ("is_solution",),
    user: str = "anna",
) -> Candidate:
    return Candidate(
        summary(problem, signals=("is_problem",), user=user),
        summary(solution, hours=minutes / 60, signals=signals, user=user),
        similarity,
        same_session,
        shared_files,
        10,
    )


def pairs_of(*candidates: Candidate) -> list[tuple[str, str]]:
    groups = PROBLEM_SOLUTION.pair(candidates, SAME_SCALE)
    return [(pair.origin.id, pair.later.id) for group in groups for pair in group]


@pytest.mark.parametrize(
    ("one", "is_pair"),
    [
        (candidate(5, 0.65), True),
        (candidate(5, 0.64), False),
        (candidate(5, 0.1, shared_files=1, signals=("is_implementation",)), True),
        (candidate(5, 0.9, signals=("is_implementation",)), False),
        (candidate(5, 0.7, same_session=False), False),
        (candidate(5, 0.7, same_session=False, shared_files=1), True),
        (candidate(5, 0.5, same_session=False, shared_files=1), False),
        (candidate(5, 0.8, same_session=False), True),
        (replace(candidate(5, same_session=False, shared_files=1), all_files=100), False),
        (candidate(24 * 60), True),
        (candidate(24 * 60 + 1), False),
        (candidate(0), False),
        (candidate(-5), False),
    ],
)
def test_a_pair_is_near_in_time_and_about_the_same_thing(one: Candidate, is_pair: bool) -> None:
    assert bool(pairs_of(one)) is is_pair


def test_the_first_solution_that_fits_is_the_solution() -> None:
    late, early = candidate(90, 0.99, solution="late"), candidate(20, solution="early")
    assert pairs_of(late, early, candidate(5, 0.2, solution="other")) == [("problem", "early")]


def test_one_fix_may_end_several_problems() -> None:
    found = pairs_of(candidate(20, problem="a"), candidate(20, problem="b"))
    assert found == [("a", "solution"), ("b", "solution")]


@pytest.mark.parametrize(
    ("minutes", "speed"),
    [(29, "quick"), (30, "moderate"), (120, "extended"), (480, "long"), (1440, "long")],
)
def test_a_solution_has_a_speed(minutes: int, speed: str) -> None:
    assert PROBLEM_SOLUTION.speed_of(timedelta(minutes=minutes)) == speed


def test_a_pattern_names_its_pairs_and_counts_their_memories() -> None:
    first = candidate(20, 0.8, problem="a", solution="s")
    found = [first, candidate(60, 0.6, problem="b", solution="t", shared_files=2)]
    look = find_following(PROBLEM_SOLUTION, [], found, SAME_SCALE)
    (finding,) = look.findings
    assert (finding.key[1:], finding.frequency) == (("problem-solution", "shop", "2026-01-05"), 4)
    assert finding.evidence == ("a", "b", "s", "t")
    assert finding.confidence == pytest.approx(0.7 * 2 / 5)
    assert finding.metadata["pairs"] == [
        "a -> s: 20 min, quick, cosine 0.80, shared files 0, same session",
        "b -> t: 60 min, moderate, cosine 0.60, shared files 2, same session",
    ]
    assert finding.metadata["reason"] == (
        "2 problems of shop were solved after 20 to 60 minutes (1 quick, 1 moderate), 2 of 2 in "
        "the same session, 1 of 2 with a file in common, by a mean cosine of 0.70."
    )


def test_the_pairs_of_two_users_are_one_pattern_of_their_project() -> None:
    anna, ben = candidate(20, problem="a"), candidate(20, problem="b", solution="s", user="ben")
    (finding,) = find_following(PROBLEM_SOLUTION, [], [anna, ben], SAME_SCALE).findings
    assert (finding.user_id, finding.users, finding.frequency) == (None, ["anna", "ben"], 4)


def test_whatever_is_found_is_among_what_was_checked() -> None:
    place = Place("shop", MONDAY.replace(hour=0))
    for rule in (PROBLEM_SOLUTION, RESEARCH_IMPLEMENTATION):
        one = candidate(20, shared_files=1)
        look = find_following(rule, [place], [one], SAME_SCALE)
        assert {finding.key for finding in look.findings} <= look.checked


def test_the_order_of_candidates_changes_nothing() -> None:
    found = [candidate(n, problem=p, solution=f"s{n}") for n in (1, 20, 300) for p in "abc"]
    forward = find_following(PROBLEM_SOLUTION, [], found, SAME_SCALE)
    assert forward == find_following(PROBLEM_SOLUTION, [], found[::-1], SAME_SCALE)
