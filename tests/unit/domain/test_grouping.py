"""Groups hold one user, one project and one period."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.findings import Summary
from shared.domain.grouping import group_by_period, group_by_similarity
from shared.domain.periods import period_of
from tests.unit.domain.domain_builders import linked, summary

SUMMARIES = st.builds(
    summary,
    name=st.uuids().map(str),
    hours=st.integers(0, 24 * 60),
    user=st.sampled_from(["anna", "ben"]),
    project=st.sampled_from(["shop", "bank", ""]),
)


def names(members: tuple[Summary, ...]) -> list[str]:
    return [member.id for member in members]


def test_users_projects_and_days_have_groups_of_their_own() -> None:
    found = group_by_period(
        [
            summary("a"), summary("b", hours=2), summary("c", user="ben"),
            summary("d", project="bank"), summary("e", hours=24),
        ],
        "day",
    )  # fmt: skip
    assert sorted(names(group.members) for group in found) == [["a", "b"], ["c"], ["d"], ["e"]]


@given(st.lists(SUMMARIES, unique_by=lambda one: one.id))
def test_every_summary_is_in_exactly_one_group_of_its_own_place(summaries: list[Summary]) -> None:
    groups = group_by_period(summaries, "week")
    assert sorted(m.id for g in groups for m in g.members) == sorted(s.id for s in summaries)
    for group in groups:
        places = {(m.user_id, m.project_name) for m in group.members}
        assert places == {(group.user_id, group.project_name)}
        assert {period_of(m.occurred_at, "week") for m in group.members} == {group.period}


def test_a_seed_with_enough_alike_neighbours_is_a_group() -> None:
    links = linked(0.8, summary("seed"), summary("a", hours=1), summary("b", hours=50))
    (group,) = group_by_similarity(links, "week", minimum=3)
    assert names(group.members) == ["seed", "a", "b"]
    assert (group.seeds, group.mean_similarity) == (1, pytest.approx(0.8))


@pytest.mark.parametrize(
    "far",
    [
        summary("far", user="ben"),
        summary("far", project="bank"),
        summary("far", hours=24 * 7),
    ],
)
def test_a_neighbour_in_another_place_does_not_count(far: Summary) -> None:
    links = linked(0.9, summary("seed"), summary("a", hours=1), far)
    assert group_by_similarity(links, "week", minimum=3) == []


def test_seeds_of_one_place_share_a_group() -> None:
    one = linked(0.8, summary("s1"), summary("a"), summary("b"))
    two = linked(0.6, summary("s2"), summary("b"), summary("c"))
    (group,) = group_by_similarity([*one, *two], "week", minimum=3)
    assert set(names(group.members)) == {"s1", "s2", "a", "b", "c"}
    assert (group.seeds, group.mean_similarity) == (2, pytest.approx(0.7))
