"""Each detector by the domain's table: names, sizes, periods and confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.debugging import DEBUGGING
from shared.domain.detector import Reading, SignalDetector
from shared.domain.detectors import KNOWN_TYPES, check_types
from shared.domain.findings import MAX_EVIDENCE, Finding, Link, Signal, Summary, pattern_id
from shared.domain.learning import LEARNING
from shared.domain.places import Place
from shared.domain.problem_solving import PROBLEM_SOLVING
from shared.domain.refactoring import REFACTORING
from shared.errors import UnknownPatternTypeError
from tests.unit.domain.domain_builders import MONDAY, linked, summary

RULES = {rules.type: rules for rules in (DEBUGGING, LEARNING, REFACTORING)}
BY_KEYWORD = [
    (DEBUGGING, "debugging-session", 6, 6 / 20),
    (LEARNING, "research-session", 4, 4 / 15),
    (REFACTORING, "code-improvement", 3, 3 / 10),
    (PROBLEM_SOLVING, "investigation", 3, 3 / 8),
]
BY_LIKENESS = [
    (DEBUGGING, "debugging-session-semantic", 3, 0.8 * 3 / 20),
    (LEARNING, "research-session-semantic", 3, 0.8 * 3 / 15),
    (REFACTORING, "code-improvement-semantic", 2, 0.8 * 2 / 10),
]


def find(
    detector: SignalDetector, carriers: Sequence[Summary] = (), links: Sequence[Link] = ()
) -> Sequence[Finding]:
    """Return what a detector finds in what was read."""
    return detector.find(Reading((), carriers, links)).findings


@pytest.mark.parametrize(("detector", "name", "least", "confidence"), BY_KEYWORD)
def test_a_day_with_enough_carriers_is_a_finding(
    detector: SignalDetector, name: str, least: int, confidence: float
) -> None:
    carriers = [summary(str(number), hours=number / 10) for number in range(least)]
    (finding,) = find(detector, carriers)
    assert (finding.name, finding.period, finding.frequency) == (name, "2026-01-05", least)
    assert finding.confidence == pytest.approx(confidence, abs=1e-4)
    assert find(detector, carriers[1:]) == []


@pytest.mark.parametrize(("detector", "name", "least", "confidence"), BY_LIKENESS)
def test_enough_alike_carriers_in_a_week_are_a_finding(
    detector: SignalDetector, name: str, least: int, confidence: float
) -> None:
    alike = [summary(str(number), hours=20 * number) for number in range(least)]
    (finding,) = find(detector, alike, linked(0.8, *alike))
    assert (finding.name, finding.period, finding.period_type) == (name, "2026-W02", "week")
    assert finding.confidence == pytest.approx(confidence, abs=1e-4)
    assert find(detector, alike, linked(0.8, *alike[1:])) == []


def test_two_alike_investigations_on_one_day_are_a_finding() -> None:
    first, second = summary("a"), summary("b", hours=5)
    (finding,) = find(PROBLEM_SOLVING, [first, second], linked(0.8, first, second))
    assert (finding.key[1], finding.period) == ("investigation-semantic", "2026-01-05")
    assert finding.confidence == pytest.approx(0.8 * 2 / 8)
    assert find(PROBLEM_SOLVING, [], linked(0.8, first, summary("c", hours=20))) == []


def test_an_alike_memory_without_the_signal_is_no_evidence() -> None:
    links = linked(0.99, summary("a"), summary("b"), summary("c", signals=("is_learning",)))
    assert find(DEBUGGING, [], links) == []


def test_a_semantic_finding_takes_the_place_of_the_keyword_findings_of_its_days() -> None:
    day = [summary(str(number), hours=number / 10) for number in range(6)]
    other_week = [summary(f"w{number}", hours=24 * 7 + number / 10) for number in range(6)]
    findings = find(DEBUGGING, [*day, *other_week], linked(0.8, *day[:3]))
    assert sorted(finding.key[1:] for finding in findings) == [
        ("debugging-session", "shop", "2026-01-12"),
        ("debugging-session-semantic", "shop", "2026-W02"),
    ]


def test_the_semantic_finding_of_one_user_leaves_the_keyword_finding_of_another() -> None:
    anna = [summary(f"a{number}", hours=number / 10) for number in range(3)]
    ben = [summary(f"b{number}", hours=number / 10, user="ben") for number in range(6)]
    findings = find(DEBUGGING, [*anna, *ben], linked(0.8, *anna))
    assert {(finding.name, finding.user_id) for finding in findings} == {
        ("debugging-session-semantic", "anna"),
        ("debugging-session", "ben"),
    }


def test_what_two_users_did_in_one_project_and_period_is_one_pattern() -> None:
    anna = [summary(f"a{number}", hours=number / 10) for number in range(6)]
    ben = [summary(f"b{number}", hours=number / 10, user="ben") for number in range(7)]
    (finding,) = find(DEBUGGING, [*anna, *ben])
    assert (finding.user_id, finding.users, finding.frequency) == (None, ["anna", "ben"], 13)
    assert finding.confidence == pytest.approx(7 / 20)
    assert len(finding.evidence) == 13


def test_everything_that_a_week_could_hold_is_checked() -> None:
    week = Place("shop", MONDAY.replace(hour=0))
    checked = DEBUGGING.find(Reading([week])).checked
    assert ("debugging", "debugging-session", "shop", "2026-01-11") in checked
    assert ("debugging", "debugging-session-semantic", "shop", "2026-W02") in checked
    assert len(checked) == 8


def test_a_finding_says_why_in_words_and_numbers() -> None:
    alike = [summary("a"), summary("b", hours=1), summary("c", hours=2)]
    (finding,) = find(DEBUGGING, alike, linked(0.8, *alike))
    assert finding.metadata["reason"] == (
        "3 memories of shop carry the debugging signal between 2026-01-05 09:00 and"
        " 2026-01-05 11:00 UTC, alike by a mean cosine of 0.80 around 1 seed."
    )


def test_a_reason_counts_only_what_there_was() -> None:
    alike = [summary("a"), summary("b", hours=1), summary("c", hours=2)]
    noted = [replace(one, signals={**one.signals, "tool_errors": 1}) for one in alike]
    (finding,) = find(DEBUGGING, noted, linked(0.8, *noted))
    assert str(finding.metadata["reason"]).endswith("1 seed; 3 tool errors.")


@pytest.mark.parametrize("detector", RULES.values(), ids=RULES)
def test_nothing_is_found_in_nothing(detector: SignalDetector) -> None:
    assert find(detector) == []


@pytest.mark.parametrize("detector", RULES.values(), ids=RULES)
def test_ten_thousand_memories_of_one_minute_are_one_finding(detector: SignalDetector) -> None:
    carriers = [summary(str(number), hours=number / 1e6) for number in range(10_000)]
    (finding,) = find(detector, carriers)
    assert finding.frequency == 10_000
    assert len(finding.evidence) == MAX_EVIDENCE
    assert finding.evidence[-1] == carriers[-1].id
    assert finding.confidence <= 0.95


@given(st.data())
def test_evidence_is_one_place_and_carries_the_signal(data: st.DataObject) -> None:
    signals = st.sampled_from([("is_debugging",), ()])
    people, projects = st.sampled_from(["anna", "ben"]), st.sampled_from(["shop", "bank"])
    known = [
        summary(
            str(number),
            hours=data.draw(st.integers(0, 400)),
            user=data.draw(people),
            project=data.draw(projects),
            signals=data.draw(signals),
        )
        for number in range(data.draw(st.integers(2, 14)))
    ]
    carriers = [one for one in known if one.carries("is_debugging")]
    links = [
        link for seed in carriers for link in linked(0.7, seed, *known) if link.neighbour != seed
    ]
    by_id = {one.id: one for one in known}
    for finding in find(DEBUGGING, carriers, links):
        evidence = [by_id[found] for found in finding.evidence]
        assert all(one.carries(cast("Signal", "is_debugging")) for one in evidence)
        assert {one.project_name for one in evidence} == {finding.project_name}
        assert sorted({one.user_id for one in evidence}) == finding.users
        assert len(set(finding.evidence)) == finding.frequency


def test_all_types_are_meant_where_none_is_named() -> None:
    assert set(check_types([])) == KNOWN_TYPES
    assert check_types(["learning", "learning"]) == ["learning"]


def test_an_unknown_type_is_refused_with_the_list_of_known_ones() -> None:
    with pytest.raises(UnknownPatternTypeError, match=r"'magic'; known: .*debugging.*temporal"):
        check_types(["debugging", "magic"])


def test_a_pattern_has_the_same_id_on_every_run_and_another_in_another_workspace() -> None:
    key = ("debugging", "debugging-session", "shop", "2026-01-05")
    assert pattern_id("team:1", key) == pattern_id("team:1", key)
    assert pattern_id("team:1", key) != pattern_id("team:2", key)
