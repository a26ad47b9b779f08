"""Training the activity model from a folder of labelled data."""

from __future__ import annotations

import gzip
import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.errors import CommandError
from cli.signals.card import Figures, dump_figures
from cli.signals.evaluation import Figure, Report
from cli.signals.labelled import COMMITS, EPISODES, is_kept_aside, read_labelled
from cli.signals.logistic import fit_line, fit_platt, sigmoid
from cli.signals.training import folds_of
from shared.domain.activity.model import Weights
from tests.unit.cli.test_signals_command import SUPASTATE

PROMPTS = {
    "debugging": "the import {n} fails with an error",
    "refactoring": "rename helper {n} and remove the duplicate",
    "learning": "how does cache {n} work?",
    "building": "add a flag {n}",
}


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    episodes = [
        {"session_id": f"s{n}", "content": prompt.format(n=n), "labels": [label]}
        for n in range(12)
        for label, prompt in PROMPTS.items()
    ]
    commits = [
        {"id": f"shop@{n}{label}", "content": prompt.format(n=n), "label": label}
        for n in range(12)
        for label, prompt in PROMPTS.items()
    ]
    write(tmp_path / EPISODES, episodes)
    write(tmp_path / COMMITS, commits)
    return tmp_path


def test_training_writes_weights_that_tell_the_examples_apart(folder: Path) -> None:
    out = folder / "weights.json"
    arguments = ["train-signals", "--labelled", str(folder), "--out", str(out), "--json"]
    done = subprocess.run([SUPASTATE, *arguments], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"out": str(out), "episodes": 48, "commits": 48}
    trained = Weights.model_validate_json(out.read_bytes())
    assert trained.text["debugging"].weights["lead_fault"] > 0
    assert trained.text["learning"].weights["question_mark"] > 0


@pytest.mark.parametrize(
    ("line", "complaint"),
    [("{}", "line 1: session_id"), ("{broken", "line 1: "), ('{"session_id": 3}', "line 1: ")],
)
def test_a_wrong_line_is_named(folder: Path, line: str, complaint: str) -> None:
    with gzip.open(folder / EPISODES, "wt") as lines:
        lines.write(line + "\n")
    with pytest.raises(CommandError, match=complaint):
        read_labelled(folder)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        read_labelled(tmp_path / "nowhere")


def test_a_cut_file_is_named(folder: Path) -> None:
    whole = (folder / EPISODES).read_bytes()
    (folder / EPISODES).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CommandError, match=EPISODES):
        read_labelled(folder)


def test_nothing_is_learned_from_nothing(folder: Path) -> None:
    write(folder / EPISODES, [])
    with pytest.raises(CommandError, match="too little"):
        read_labelled(folder)


def test_a_session_is_in_one_fold_and_on_one_side() -> None:
    sessions = [f"s{n % 30}" for n in range(300)]
    folds = folds_of(sessions, seed=1)
    assert len({(s, int(f)) for s, f in zip(sessions, folds, strict=True)}) == 30
    assert 0 < sum(is_kept_aside(f"s{n}") for n in range(300)) < 150


def test_with_little_evidence_a_weight_stays_where_it_was_expected() -> None:
    features = np.array([[0.0], [1.0], [0.0], [1.0]])
    is_so = np.array([0.0, 1.0, 1.0, 0.0])
    line = fit_line(features, is_so, np.ones(4), np.array([0.7]), ridge=1e6)
    assert line.weights[0] * (features.std() + 0.05) == pytest.approx(0.7, abs=1e-3)


def test_calibration_brings_log_odds_to_the_frequencies() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=4000)
    is_so = (rng.random(4000) < sigmoid(0.5 * logits - 1)).astype(np.float64)
    assert fit_platt(logits, is_so) == pytest.approx((0.5, -1.0), abs=0.15)


def test_the_figures_of_a_card_are_json_too() -> None:
    figure = Figure(0.5, 0.4, 0.6)
    one = {"debugging": figure}
    found = Report(one, one, one, one, one, {"debugging": 0.1}, {}, {})

    told: Any = dump_figures({"text": Figures(found, found, found, {0.25: 0.7})})

    assert json.loads(json.dumps(told)) == told
    assert told["text"]["aside"]["f1"] == {"debugging": {"value": 0.5, "low": 0.4, "high": 0.6}}
    assert told["text"]["curve"] == {"0.25": 0.7}
