"""Which references are kept when there are too many."""

from __future__ import annotations

from typing import Any

from shared.graph.choosing_references import NAME_MATCH, TOOL_PATH, choose


def found(memory: int, code: int, method: str = NAME_MATCH, **more: Any) -> dict[str, Any]:
    """Return a reference as the graph finds it."""
    return {
        "workspace_id": "team:1",
        "memory_id": f"m{memory}",
        "code_id": f"c{code}",
        "detection_method": method,
        "score": 1.0,
        "linked": 0,
        "known": [],
        **more,
    }


def test_paths_come_before_names_and_telling_names_before_common_ones() -> None:
    names = [found(1, code, score=float(code)) for code in range(30)]
    paths = [found(1, code, TOOL_PATH, score=0.0) for code in range(40, 45)]
    chosen = choose([*names, *paths])

    assert [row["code_id"] for row in chosen[:6]] == ["c40", "c41", "c42", "c43", "c44", "c29"]
    assert len(chosen) == 25


def test_links_that_a_memory_has_count_and_are_not_written_again() -> None:
    rows = [found(1, code, linked=24) for code in range(3)]
    rows += [found(2, 1, known=[NAME_MATCH]), found(3, 1, known=[TOOL_PATH])]

    assert [(row["memory_id"], row["code_id"]) for row in choose(rows)] == [
        ("m1", "c0"),
        ("m3", "c1"),
    ]


def test_a_pair_found_from_both_sides_is_one_reference() -> None:
    assert len(choose([found(1, 1), found(1, 1, score=2.0), found(1, 1, TOOL_PATH)])) == 2


def test_a_batch_has_at_most_100_name_matches_and_any_number_of_paths() -> None:
    rows = [found(memory, 1) for memory in range(150)]
    rows += [found(memory, 2, TOOL_PATH) for memory in range(150)]
    methods = [row["detection_method"] for row in choose(rows)]

    assert methods.count(NAME_MATCH) == 100
    assert methods.count(TOOL_PATH) == 150


def test_two_workspaces_are_counted_apart() -> None:
    rows = [found(1, code, TOOL_PATH) for code in range(25)]
    rows += [found(1, code, TOOL_PATH, workspace_id="team:2") for code in range(25)]

    assert len(choose(rows)) == 50
