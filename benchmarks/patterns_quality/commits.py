"""How true the signals of commits without a prefix are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.patterns_quality.truth import Share
from cli.signals.labelled import Commit, read_labelled
from cli.signals.training import COMMIT_LABELS
from shared.domain.signals import measure_signals


def measure_commits(shared: Path) -> list[str]:
    """Return a line for each signal with its precision and recall, by the prefix cut off."""
    commits = read_labelled(shared / "labelled").commits
    said = {label: [c for c in commits if _carries(c, label)] for label in COMMIT_LABELS}
    return [_line(label, said[label], commits) for label in COMMIT_LABELS]


def _carries(commit: Commit, label: str) -> bool:
    signals = measure_signals(commit.message, {"source": "git"}).pattern_signals
    return signals[f"is_{label}"] is True


def _line(label: str, said: Sequence[Commit], commits: Sequence[Commit]) -> str:
    true = sum(commit.label == label for commit in said)
    recall = Share(true, sum(commit.label == label for commit in commits))
    return f"{label}: precision {Share(true, len(said))}, recall {recall}"
