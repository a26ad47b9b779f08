"""Seeds, who takes which cluster over, and what a topic says."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.telling_words import count_words
from shared.domain.topics import (
    SAMPLE,
    Candidate,
    Cluster,
    Member,
    Topic,
    Vacancy,
    choose_seeds,
    describe_topic,
    find_topic,
    seat_seeds,
    topic_key,
)
from tests.unit.domain.domain_builders import MONDAY

EAST, NORTH, BETWEEN = (1.0, 0.0), (0.0, 1.0), (0.71, 0.71)


def candidate(
    name: str, vector: tuple[float, float] = EAST, *clusters: str, project: str = "shop"
) -> Candidate:
    return Candidate(name, project, vector, clusters)


def cluster(size: int, *, count: int | None = None, users: tuple[str, ...] = ("anna",)) -> Cluster:
    """Return a cluster of which `count` members are read, newest first."""
    members = [f"memory:{n}" for n in reversed(range(count or size))]
    last_at = MONDAY + timedelta(hours=size)
    return Cluster("0123456789", "shop", EAST, size, MONDAY, last_at, members, users)


def member(
    vector: tuple[float, float] = EAST, text: str = "login token", *, debugging: bool = False
) -> Member:
    return Member(vector, text, {"is_debugging": debugging, "is_learning": None})


TOPIC = Topic([1.0, 0.0], 0.1, 0.8, ["login", "token"], "topic", SAMPLE)
NO_WORDS = count_words([])


def test_of_alike_candidates_the_smallest_id_is_the_seed() -> None:
    alike = [candidate("c"), candidate("a"), candidate("b", BETWEEN), candidate("d", NORTH)]
    assert [seed.id for seed in choose_seeds(alike, cosine=0.7)] == ["a", "d"]


def test_alike_candidates_of_two_projects_are_both_seeds() -> None:
    chosen = choose_seeds([candidate("a"), candidate("b", project="bank")], cosine=0.7)
    assert {seed.id for seed in chosen} == {"a", "b"}


@pytest.mark.parametrize("vectors", [[(0.0, 0.0)], [(0.0, 0.0), (1.0, 0.0)], []])
def test_a_vector_without_a_direction_is_alike_to_none(vectors: list[tuple[float, float]]) -> None:
    candidates = [candidate(str(n), vector) for n, vector in enumerate(vectors)]
    assert len(choose_seeds(candidates, cosine=0.7)) == len(vectors)


def test_a_seed_takes_the_oldest_of_its_clusters_over() -> None:
    old = Vacancy("old", MONDAY)
    vacant = {"1": Vacancy("new", MONDAY + timedelta(hours=1)), "2": old}
    (seat,) = seat_seeds([candidate("a", EAST, "1", "2")], vacant, held=())
    assert (seat.cluster_id, seat.created_at, seat.taken) == ("old", MONDAY, ("1", "2"))


def test_a_cluster_is_taken_over_once() -> None:
    vacant = {"1": Vacancy("old", MONDAY)}
    seeds = [candidate("b", NORTH, "1"), candidate("a", EAST, "1")]
    first, second = seat_seeds(seeds, vacant, held=())
    assert (first.seed_id, first.cluster_id) == ("a", "old")
    assert second.cluster_id != "old"
    assert seat_seeds(seeds[:1], vacant, held={"old"})[0].cluster_id != "old"


def test_a_topic_is_found_from_five_members_on() -> None:
    assert find_topic(cluster(4), TOPIC, cosine=0.7) is None
    found = find_topic(cluster(5), TOPIC, cosine=0.7)
    assert found
    assert (found.frequency, found.confidence) == (5, pytest.approx(0.8 * 5 / 15, abs=1e-4))
    assert found.key == topic_key("shop", "0123456789") == (
        "semantic", "topic-cluster", "shop", "topic:01234567"
    )  # fmt: skip


def test_a_topic_covers_all_time_and_no_days() -> None:
    found = find_topic(cluster(6), TOPIC, cosine=0.7)
    assert found
    assert (found.period_type, found.days()) == ("topic", [])
    assert found.evidence[0] == "memory:0"


def test_the_confidence_ends_at_nine_tenths() -> None:
    found = find_topic(cluster(1_000, count=200), TOPIC, cosine=0.7)
    assert found
    assert (found.frequency, found.confidence, len(found.evidence)) == (1_000, 0.9, 200)


def test_a_large_topic_says_what_was_measured_on_its_newest_alone() -> None:
    found = find_topic(cluster(1_000, count=200), TOPIC, cosine=0.7)
    assert found
    assert f"The newest {SAMPLE} have a mean of 0.80" in str(found.metadata["reason"])


def test_a_topic_of_two_users_is_nobodys_own() -> None:
    found = find_topic(cluster(6, users=("anna", "ben")), TOPIC, cosine=0.7)
    assert found
    assert (found.user_id, found.users) == (None, ["anna", "ben"])


def test_centre_and_radius_are_those_of_the_members() -> None:
    topic = describe_topic(EAST, [member(EAST), member(NORTH)], NO_WORDS)
    assert topic.centroid == pytest.approx([0.7071, 0.7071], abs=1e-4)
    assert topic.radius == pytest.approx(1 - 0.7071, abs=1e-4)
    assert topic.similarity == pytest.approx(0.5)
    assert (topic.keywords, topic.sample) == (["login", "token"], 2)


def test_what_other_texts_say_too_is_no_keyword() -> None:
    topic = describe_topic(EAST, [member()] * 5, count_words(["token", "token"]))
    assert topic.keywords == ["login"]


@pytest.mark.parametrize(("debugging", "named"), [(5, "debugging"), (3, "debugging"), (2, "topic")])
def test_the_type_is_the_activity_of_most_members(debugging: int, named: str) -> None:
    sample = [member(debugging=n < debugging) for n in range(5)]
    assert describe_topic(EAST, sample, NO_WORDS).cluster_type == named
