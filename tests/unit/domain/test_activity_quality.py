"""The figures of the activity model's card, measured anew on sessions it was not trained on."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.signals.card import Figures, measure
from cli.signals.labelled import read_labelled
from cli.signals.training import train
from shared.domain.activity.model import weights


@pytest.fixture(scope="module")
def figures(labelled: Path) -> dict[str, Figures]:
    return measure(read_labelled(labelled))


@pytest.mark.parametrize(("model", "least"), [("structured", 0.60), ("text", 0.55)])
def test_the_three_activities_are_told_apart_in_unseen_sessions(
    figures: dict[str, Figures], model: str, least: float
) -> None:
    assert figures[model].aside.f1["macro"].value >= least
    assert figures[model].development.f1["macro"].value >= least
    assert figures[model].everything.f1["macro"].value >= least


def test_what_is_likelier_debugging_than_not_mostly_is(
    figures: dict[str, Figures],
) -> None:
    one = figures["structured"]
    for found in (one.development, one.aside, one.everything):
        assert found.precise_precision["debugging"].value >= 0.80
        assert found.precise_recall["debugging"].value >= 0.40


def test_probabilities_tell_more_than_the_base_rate(figures: dict[str, Figures]) -> None:
    found = figures["structured"].everything
    for activity, brier in found.brier.items():
        assert brier < found.brier_of_base_rate[activity]
        assert found.calibration_error[activity] < 0.10


def test_the_package_holds_the_weights_that_training_yields(labelled: Path) -> None:
    trained, kept = train(read_labelled(labelled)), weights()
    for anew, shipped in ((trained.structured, kept.structured), (trained.text, kept.text)):
        for activity, classifier in anew.items():
            assert classifier.weights == pytest.approx(shipped[activity].weights, abs=1e-2)
            assert classifier.threshold == pytest.approx(shipped[activity].threshold, abs=1e-2)
