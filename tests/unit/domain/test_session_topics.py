"""A session is about what most of its memories carry."""

from __future__ import annotations

from shared.domain.keywords import GROUPS
from shared.domain.session_topics import Member, dominant_activities, telling_keywords


def member(*activities: str, **keywords: int) -> Member:
    return Member({f"is_{name}": True for name in activities}, keywords)


def test_activities_are_counted_the_commonest_first() -> None:
    members = [member("learning"), member("debugging"), member("debugging", "learning")]
    assert dominant_activities([*members, member("debugging")]) == [
        ("debugging", 3),
        ("learning", 2),
    ]


def test_an_activity_of_less_than_a_quarter_does_not_count() -> None:
    assert dominant_activities([member("debugging"), *[member()] * 3]) == [("debugging", 1)]
    assert dominant_activities([member("debugging"), *[member()] * 4]) == []


def test_at_most_three_activities_are_named_and_equal_ones_by_name() -> None:
    every = member("refactoring", "learning", "debugging", "architecture", "problem_solving")
    assert dominant_activities([every]) == [("architecture", 1), ("debugging", 1), ("learning", 1)]


def test_a_false_signal_or_a_score_is_no_activity() -> None:
    assert dominant_activities([Member({"is_debugging": False, "is_learning": 1}, {})]) == []


def test_a_rare_group_tells_more_than_a_common_one() -> None:
    assert telling_keywords([member(test=2, security=2), member(test=1)]) == ["security", "test"]


def test_a_log_full_of_one_word_does_not_outweigh_many_memories() -> None:
    log = member(error=5000)
    assert telling_keywords([log, *[member(security=1)] * 5])[0] == "security"


def test_at_most_five_keywords_are_told_and_none_of_none() -> None:
    assert telling_keywords([member()]) == []
    assert len(telling_keywords([member(**dict.fromkeys(GROUPS, 1))])) == 5


def test_the_order_of_the_memories_does_not_matter() -> None:
    members = [member(error=n, fix=3 * n, deploy=n % 3) for n in range(1, 30)]
    assert telling_keywords(members) == telling_keywords(members[::-1])
