"""Keywords are counted as whole words, in all their forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.keywords import GROUPS, count_keywords, inflections, words_of


def count(text: str) -> dict[str, int]:
    return count_keywords(words_of(text))


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("fixed it", "fix"), ("two fixes", "fix"), ("a bugfix", "error"), ("solving it", "fix"),
        ("many errors", "error"), ("it fails", "error"), ("a failure", "error"),
        ("crashes", "error"), ("two bugs", "error"), ("exceptions", "error"),
        ("debugged", "debug"), ("debugging", "debug"), ("tracing", "debug"),
        ("learned", "learn"), ("learnt", "learn"), ("studies", "learn"), ("studied", "learn"),
        ("understood", "learn"), ("researching", "learn"),
        ("refactored", "refactor"), ("reorganised", "refactor"), ("restructuring", "refactor"),
        ("improved", "improve"), ("optimisation", "improve"), ("optimizes", "performance"),
        ("built", "implement"), ("creating", "implement"), ("designed", "architecture"),
        ("deployed", "deploy"), ("authenticated", "security"), ("cleanup", "clean"),
    ],
)  # fmt: skip
def test_an_inflected_word_counts_for_its_group(text: str, group: str) -> None:
    assert count(text)[group] == 1


@pytest.mark.parametrize(
    "text", ["terror", "prefix", "suffix", "debugger_x", "error_handler", "unlearn", "latest"]
)
def test_a_part_of_another_word_does_not_count(text: str) -> None:
    assert count(text) == {}


def test_a_word_of_two_groups_counts_in_both() -> None:
    assert count("Optimize") == {"improve": 1, "performance": 1}


def test_every_keyword_is_a_form_of_itself() -> None:
    for keywords in GROUPS.values():
        for keyword in keywords:
            assert keyword in inflections(keyword)


@given(st.text(), st.sampled_from(sorted(GROUPS)))
def test_a_keyword_between_blanks_always_adds_one(text: str, group: str) -> None:
    before = count(text).get(group, 0)
    assert count(f"{text} {GROUPS[group][0].upper()} ")[group] == before + 1
