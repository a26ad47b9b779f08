"""The activity estimates against episodes that people labelled by reading."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from shared.domain.activity import Structure, estimate_activity
from shared.domain.signals import CARRIED_AT


@pytest.fixture(scope="module")
def episodes(labelled: Path) -> list[dict[str, Any]]:
    with gzip.open(labelled / "episodes.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.mark.parametrize(
    ("activity", "precision", "recall"),
    [("debugging", 0.80, 0.65), ("learning", 0.65, 0.75), ("refactoring", 0.75, 0.35)],
)
def test_a_carried_signal_is_mostly_right(
    episodes: list[dict[str, Any]], activity: str, precision: float, recall: float
) -> None:
    carried = [
        activity in episode["labels"]
        for episode in episodes
        if getattr(
            estimate_activity(episode["content"], Structure.of(episode["metadata"])), activity
        )
        >= CARRIED_AT
    ]
    labelled = sum(activity in episode["labels"] for episode in episodes)

    assert sum(carried) / len(carried) >= precision
    assert sum(carried) / labelled >= recall
