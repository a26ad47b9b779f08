"""Which memories and files are tied by likeness, and which files are spoken of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.findings import Finding
from shared.domain.memory_code import (
    Alike,
    Mention,
    SourceFile,
    Tied,
    choose_alike,
    find_discussed,
)

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
FILE = SourceFile("f", "shop", "src/cart.py")
FREE = Tied(0, frozenset())


def mention(number: int, *, user: str = "anna", **methods: float | None) -> Mention:
    return Mention(
        f"memory:{number:04}",
        user,
        NOON + timedelta(minutes=number),
        methods or {"tool_path": None},
    )


def described(*mentions: Mention) -> Finding:
    [found] = find_discussed([(FILE, mentions)])
    return found


def test_a_memory_is_tied_to_the_five_nearest() -> None:
    found = [Alike("m", f"c{n}", 0.7 + n / 100) for n in range(8)]
    chosen = choose_alike(found, {"m": FREE}, max_per_memory=25, max_new=100)

    assert list(chosen["m"]) == ["c7", "c6", "c5", "c4", "c3"]


@pytest.mark.parametrize(("exact", "left"), [(0, 5), (22, 3), (25, 0), (200, 0)])
def test_exact_references_leave_so_much_room(exact: int, left: int) -> None:
    found = [Alike("m", f"c{n}", 0.9) for n in range(8)]
    tied = {"m": Tied(exact, frozenset())}
    chosen = choose_alike(found, tied, max_per_memory=25, max_new=100)

    assert len(chosen["m"]) == left


def test_new_ones_are_limited_to_the_most_alike_and_old_ones_stay() -> None:
    found = [Alike("old", "c", 0.7), Alike("a", "c", 0.8), Alike("b", "c", 0.9)]
    tied = {"old": Tied(0, frozenset({"c"})), "a": FREE, "b": FREE}
    chosen = choose_alike(found, tied, max_per_memory=25, max_new=1)

    assert {memory for memory, files in chosen.items() if files} == {"old", "b"}


def test_the_order_of_what_was_found_does_not_matter() -> None:
    found = [Alike(f"m{n % 3}", f"c{n}", 0.9) for n in range(30)]
    tied = {f"m{n}": FREE for n in range(3)}
    chosen = choose_alike(found, tied, max_per_memory=25, max_new=7)

    assert choose_alike(found[::-1], tied, max_per_memory=25, max_new=7) == chosen


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_than_three_memories_are_no_pattern(count: int) -> None:
    assert find_discussed([(FILE, [mention(n) for n in range(count)])]) == []


def test_a_finding_says_which_file_how_many_memories_and_how_they_are_tied() -> None:
    found = described(
        mention(2, similarity=0.8), mention(0), mention(1, name_match=None, similarity=0.7)
    )

    assert found.key == ("memory_code", "documentation-implementation", "shop", "src/cart.py")
    assert found.metadata["reason"] == (
        "3 memories of shop speak of src/cart.py since 2026-05-04 12:00, last at 2026-05-04 12:02 "
        "UTC: 1 by path, 1 by name, 2 by similarity."
    )
    assert found.metadata["mean_similarity"] == 0.75
    assert found.days() == []


@pytest.mark.parametrize(
    ("cosines", "confidence"), [([], 0.3), ([0.5, 0.5, 0.5], 0.15), ([1.2, -1.0, 0.5], 0.15)]
)
def test_confidence_is_strength_times_a_tenth_of_the_memories(
    cosines: list[float], confidence: float
) -> None:
    alike = [mention(n, similarity=cosine) for n, cosine in enumerate(cosines)]
    assert described(*(alike or [mention(n) for n in range(3)])).confidence == confidence


def test_confidence_ends_at_nine_tenths() -> None:
    assert described(*(mention(n) for n in range(50))).confidence == 0.9


def test_evidence_is_the_file_and_the_newest_memories_oldest_first() -> None:
    found = described(*(mention(n) for n in range(500)))

    assert found.frequency == 500
    assert found.evidence[0] == "code:f"
    assert found.evidence[1:] == tuple(f"memory:{n:04}" for n in range(301, 500))


def test_several_users_are_named_and_one_is_the_owner() -> None:
    alone = described(*(mention(n) for n in range(3)))
    shared = described(mention(0), mention(1, user="ben"), mention(2))

    assert (alone.user_id, alone.users) == ("anna", ["anna"])
    assert (shared.user_id, shared.users) == (None, ["anna", "ben"])
