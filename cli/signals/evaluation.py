"""Measures the activity model on sessions that it was not trained on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cli.signals.logistic import Numbers
from cli.signals.training import FOLDS, Rows, fit, folds_of
from shared.domain.activity.model import ACTIVITIES, LIKELIER_THAN_NOT, ActivityName

REPEATS: Final = 10
RESAMPLES: Final = 2_000
BINS: Final = 10


@dataclass(frozen=True, slots=True)
class Judged:
    """What was said of each row of one activity, by a model that had not seen its session."""

    is_so: Numbers
    likely: Numbers
    carried: Numbers
    precise: Numbers


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure and its 95 % interval, sessions resampled."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


Trial = dict[str, Judged]


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of all trials together, for one activity by name or for all ("macro")."""

    f1: dict[str, Figure]
    precision: dict[str, Figure]
    recall: dict[str, Figure]
    precise_precision: dict[str, Figure]
    precise_recall: dict[str, Figure]
    brier: dict[str, float]
    brier_of_base_rate: dict[str, float]
    calibration_error: dict[str, float]


def cross_validate(rows: Rows, repeats: int = REPEATS) -> list[Trial]:
    """Return one trial for each shuffling of the sessions into folds.

    Thresholds and calibration are chosen inside the training folds (`fit`).
    """
    return [_cross_validate_once(rows, seed) for seed in range(1, repeats + 1)]


def judge(seen: Rows, unseen: Rows) -> Trial:
    """Return what a model trained on `seen` says of `unseen`."""
    return {activity: _judge(seen, unseen, activity) for activity in ACTIVITIES}


def report(trials: Sequence[Trial], sessions: Sequence[str]) -> Report:
    """Return the figures, averaged over the trials."""
    draws = _draws(sessions)
    carried = {a: _counts([(t[a].carried, t[a].is_so) for t in trials]) for a in ACTIVITIES}
    precise = {a: _counts([(t[a].precise, t[a].is_so) for t in trials]) for a in ACTIVITIES}
    return Report(
        f1=_with_macro({a: _f1(draws @ c) for a, c in carried.items()}),
        precision=_figures({a: _precision(draws @ c) for a, c in carried.items()}),
        recall=_figures({a: _recall(draws @ c) for a, c in carried.items()}),
        precise_precision=_figures({a: _precision(draws @ c) for a, c in precise.items()}),
        precise_recall=_figures({a: _recall(draws @ c) for a, c in precise.items()}),
        brier={a: _mean(_brier(t[a]) for t in trials) for a in ACTIVITIES},
        brier_of_base_rate={a: float(trials[0][a].is_so.var()) for a in ACTIVITIES},
        calibration_error={a: _mean(_calibration_error(t[a]) for t in trials) for a in ACTIVITIES},
    )


def _cross_validate_once(rows: Rows, seed: int) -> Trial:
    folds = folds_of(rows.sessions, seed)
    trials = [judge(rows.only(folds != f), rows.only(folds == f)) for f in range(FOLDS)]
    order = np.argsort(np.concatenate([np.flatnonzero(folds == f) for f in range(FOLDS)]))
    return {a: _joined([trial[a] for trial in trials], order) for a in ACTIVITIES}


def _joined(parts: Sequence[Judged], order: NDArray[np.int64]) -> Judged:
    def column(name: str) -> Numbers:
        columns: list[Numbers] = [getattr(part, name) for part in parts]
        return np.concatenate(columns)[order]

    return Judged(column("is_so"), column("likely"), column("carried"), column("precise"))


def _judge(seen: Rows, unseen: Rows, activity: ActivityName) -> Judged:
    fitted = fit(seen, activity)
    likely = fitted.probabilities(unseen.features)
    carried = (likely >= fitted.threshold).astype(np.float64)
    precise = (likely >= LIKELIER_THAN_NOT).astype(np.float64)
    return Judged(unseen.labels[activity], likely, carried, precise)


def _counts(pairs: Sequence[tuple[Numbers, Numbers]]) -> Numbers:
    """Columns: rightly said, said, so; rows: episodes; the mean over trials."""
    return np.mean([np.column_stack([said * so, said, so]) for said, so in pairs], axis=0)


def _draws(sessions: Sequence[str]) -> Numbers:
    """First row: every episode once; the others: how often a resampling draws its session."""
    distinct = {session: place for place, session in enumerate(sorted(set(sessions)))}
    column = [distinct[session] for session in sessions]
    size, rng = len(distinct), np.random.default_rng(0)
    times = rng.multinomial(size, np.full(size, 1 / size), RESAMPLES)
    return np.vstack([np.ones(len(sessions)), times[:, column].astype(np.float64)])


def _f1(counts: Numbers) -> Numbers:
    return 2 * counts[:, 0] / np.maximum(counts[:, 1] + counts[:, 2], 1e-9)


def _precision(counts: Numbers) -> Numbers:
    return counts[:, 0] / np.maximum(counts[:, 1], 1e-9)


def _recall(counts: Numbers) -> Numbers:
    return counts[:, 0] / np.maximum(counts[:, 2], 1e-9)


def _with_macro(draws: dict[str, Numbers]) -> dict[str, Figure]:
    return _figures({**draws, "macro": np.mean(list(draws.values()), axis=0)})


def _figures(draws: dict[str, Numbers]) -> dict[str, Figure]:
    return {
        name: Figure(float(d[0]), *map(float, np.quantile(d[1:], (0.025, 0.975))))
        for name, d in draws.items()
    }


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _brier(judged: Judged) -> float:
    return float(((judged.likely - judged.is_so) ** 2).mean())


def _calibration_error(judged: Judged) -> float:
    """The expected calibration error over bins of equal size."""
    parts = np.array_split(np.argsort(judged.likely), BINS)
    gaps = [abs(judged.likely[p].mean() - judged.is_so[p].mean()) * len(p) for p in parts]
    return float(sum(gaps) / len(judged.is_so))
