"""Trains the activity model: n-grams on commits, then classifiers on episodes."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cli.signals.labelled import Commit, Episode, Labelled
from cli.signals.logistic import Line, Numbers, Sparse, fit_line, fit_platt, fit_sparse, sigmoid
from cli.signals.prior import expected_weights
from shared.domain.activity.model import (
    ACTIVITIES,
    ActivityName,
    Classifier,
    PackedTable,
    Weights,
    features_of,
)
from shared.domain.activity.ngrams import BITS, NgramTable, hash_words
from shared.domain.activity.structure import Structure
from shared.domain.activity.turn import words_in

COMMIT_LABELS: Final = ("debugging", "refactoring")
FOLDS: Final = 5
RIDGES: Final[Mapping[ActivityName, float]] = {
    "debugging": 30.0,
    "learning": 30.0,
    "refactoring": 100.0,  # the fewest examples, the least alike: closer to what was expected
}
NGRAM_RIDGE: Final = 1e-3
UNSURE_SHARE: Final = 0.5
NEARLY_BEST: Final = 0.02
"""Of the thresholds whose F1 is this close to the best, the middle one is taken."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Episodes as numbers, one row each."""

    names: Sequence[str]
    features: Numbers
    labels: Mapping[str, Numbers]
    shares: Numbers
    sessions: Sequence[str]

    def only(self, chosen: NDArray[np.bool_]) -> Rows:
        """Return the chosen rows."""
        return Rows(
            self.names,
            self.features[chosen],
            {name: column[chosen] for name, column in self.labels.items()},
            self.shares[chosen],
            [s for s, keep in zip(self.sessions, chosen, strict=True) if keep],
        )


@dataclass(frozen=True, slots=True)
class Fitted:
    """One activity's classifier in numbers."""

    line: Line
    slope: float
    offset: float
    threshold: float

    def probabilities(self, features: Numbers) -> Numbers:
        """Return calibrated probabilities of rows."""
        return sigmoid(self.slope * self.line.logits(features) + self.offset)


def train(labelled: Labelled) -> Weights:
    """Return the weights of the package, trained on everything."""
    packed = train_ngrams(labelled.commits)
    tables = {label: NgramTable.unpack(**dict(table)) for label, table in packed.items()}
    return Weights(
        ngrams=packed,
        structured=_classifiers(rows_of(labelled.episodes, tables, structured=True)),
        text=_classifiers(rows_of(labelled.episodes, tables, structured=False)),
    )


def rows_of(
    episodes: Sequence[Episode], tables: Mapping[str, NgramTable], *, structured: bool
) -> Rows:
    """Return the features and labels of episodes."""
    found = [
        features_of(e.content, Structure.of(e.metadata) if structured else Structure(), tables)
        for e in episodes
    ]
    return Rows(
        names=list(found[0]),
        features=np.array([list(row.values()) for row in found], dtype=np.float64),
        labels={a: np.array([float(a in e.labels) for e in episodes]) for a in ACTIVITIES},
        shares=np.array([1.0 if e.sure else UNSURE_SHARE for e in episodes]),
        sessions=[e.session_id for e in episodes],
    )


def fit(rows: Rows, activity: ActivityName) -> Fitted:
    """Return the classifier; threshold and calibration come from rows it was not fitted on."""
    is_so, expected = rows.labels[activity], expected_weights(activity, rows.names)
    ridge, apart = RIDGES[activity], np.zeros(len(is_so))
    folds = folds_of(rows.sessions, seed=0)
    for fold in range(FOLDS):
        seen, unseen = folds != fold, folds == fold
        line = fit_line(rows.features[seen], is_so[seen], rows.shares[seen], expected, ridge)
        apart[unseen] = line.logits(rows.features[unseen])
    slope, offset = fit_platt(apart, is_so)
    likely = sigmoid(slope * apart + offset)
    whole = fit_line(rows.features, is_so, rows.shares, expected, ridge)
    return Fitted(whole, slope, offset, _best_threshold(likely, is_so))


def folds_of(sessions: Sequence[str], seed: int) -> NDArray[np.int64]:
    """Return the fold of each row; a session's rows are in one fold."""
    distinct = sorted(set(sessions))
    order = np.random.default_rng(seed).permutation(len(distinct))
    fold = {session: int(place) % FOLDS for session, place in zip(distinct, order, strict=True)}
    return np.array([fold[session] for session in sessions])


def train_ngrams(commits: Sequence[Commit]) -> dict[str, PackedTable]:
    """Return one table for each label of a commit."""
    vectors = _stack([hash_words(words_in(commit.message)) for commit in commits])
    labels = {
        label: np.array([float(c.label == label) for c in commits]) for label in COMMIT_LABELS
    }
    return {label: _pack(fit_sparse(vectors, y, NGRAM_RIDGE)) for label, y in labels.items()}


def _stack(vectors: Sequence[Mapping[int, float]]) -> Sparse:
    lengths = [len(vector) for vector in vectors]
    return Sparse(
        rows=np.repeat(np.arange(len(vectors)), lengths),
        columns=np.array([slot for vector in vectors for slot in vector], dtype=np.int64),
        values=np.array([value for vector in vectors for value in vector.values()]),
        size=(len(vectors), 1 << BITS),
    )


def _pack(line: Line) -> PackedTable:
    scale = float(np.abs(line.weights).max()) / 127 or 1.0
    slots = np.round(line.weights / scale).astype(np.int8)
    return PackedTable(
        weights=base64.b64encode(slots.tobytes()).decode(), scale=scale, bias=line.intercept
    )


def _classifiers(rows: Rows) -> dict[ActivityName, Classifier]:
    return {activity: _classifier(rows, fit(rows, activity)) for activity in ACTIVITIES}


def _classifier(rows: Rows, fitted: Fitted) -> Classifier:
    weights = zip(rows.names, fitted.line.weights.tolist(), strict=True)
    return Classifier(
        weights={name: round(weight, 5) for name, weight in weights},
        intercept=round(fitted.line.intercept, 5),
        slope=round(fitted.slope, 5),
        offset=round(fitted.offset, 5),
        threshold=round(fitted.threshold, 4),
    )


def _best_threshold(likely: Numbers, is_so: Numbers) -> float:
    steps = np.unique(likely)
    chosen = likely[None, :] >= steps[:, None]
    scores = 2 * (chosen * is_so).sum(axis=1) / (chosen.sum(axis=1) + is_so.sum())
    return float(np.median(steps[scores >= scores.max() - NEARLY_BEST]))
