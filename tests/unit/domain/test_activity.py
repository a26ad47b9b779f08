"""The trained activity model: what it may cost, and what it must never do."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from time import process_time
from typing import Final, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.activity import Structure, estimate_activity
from shared.domain.activity.model import (
    ACTIVITIES,
    WEIGHTS,
    classifiers_for,
    features_of,
    tables,
    weights,
)
from shared.domain.activity.turn import split_turn
from shared.messages import Metadata

CARD: Final = Path(__file__).parents[3] / "docs" / "model-card-activity.md"
KNOWN = Structure.of({"tools": {"Read": 2, "Edit": 1}, "filePaths": ["a.go", "a_test.go"]})


def test_the_weights_are_small() -> None:
    assert len(files("shared.domain.activity").joinpath(WEIGHTS).read_bytes()) < 100_000


@pytest.mark.parametrize("structure", [Structure(), KNOWN])
def test_every_weight_has_its_feature_and_every_feature_its_weight(structure: Structure) -> None:
    features = features_of("rename it", structure, tables())
    for classifier in classifiers_for(structure).values():
        assert classifier.weights.keys() == features.keys()


def test_a_threshold_and_a_slope_keep_their_sense() -> None:
    for classifiers in (weights().structured, weights().text):
        assert set(classifiers) == set(ACTIVITIES)
        for one in classifiers.values():
            assert one.slope > 0
            assert 0.1 < one.threshold < 0.9


@pytest.mark.parametrize("model", ["structured", "text"])
def test_the_card_names_the_thresholds_in_use(model: Literal["structured", "text"]) -> None:
    classifiers = weights().structured if model == "structured" else weights().text
    values = " | ".join(str(classifiers[activity].threshold) for activity in ACTIVITIES)
    assert f"| {model} | {values} |" in CARD.read_text(encoding="utf-8")


def test_two_thousand_texts_take_less_than_a_second_of_one_core() -> None:
    answer = "The handler drops the second event. Let me look at the retry and fix the test. " * 20
    texts = [f"why does import {number} fail on Tuesdays?\n\n{answer}" for number in range(500)]
    estimate_activity(texts[0], KNOWN)

    def measure() -> float:
        started = process_time()
        for text in texts:
            estimate_activity(text, KNOWN)
        return len(texts) / (process_time() - started)

    assert max(measure() for _ in range(5)) >= 2_000  # what others take shows in single rounds


def test_a_short_announcement_takes_in_what_it_announces() -> None:
    turn = split_turn("Do the following:\n\n# Rename the parser\n\nDone.")
    assert "Rename the parser" in turn.lead


def test_a_text_of_another_language_is_no_activity() -> None:
    likely = estimate_activity("ログインを追加してください\n\n追加しました。", KNOWN)
    assert max(likely.debugging, likely.learning, likely.refactoring) < 0.5


@given(st.text(), st.integers(), st.integers(), st.booleans())
def test_any_memory_has_probabilities(text: str, edits: int, errors: int, known: bool) -> None:
    metadata: Metadata = {"tools": {"Edit": edits}, "toolErrors": errors} if known else {}
    likely = estimate_activity(text, Structure.of(metadata))
    assert all(0.0 <= getattr(likely, activity) <= 1.0 for activity in ACTIVITIES)
