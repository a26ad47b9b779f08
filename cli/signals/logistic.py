"""Logistic regression with a ridge penalty, in numpy alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.float64]

_NEWTON_STEPS: Final = 12
_GRADIENT_STEPS: Final = 200
_LEAST_SPREAD: Final = 0.05
"""A feature that is nearly constant must not be blown up by scaling."""


@dataclass(frozen=True, slots=True)
class Sparse:
    """A matrix of which only the entries that are not 0 are kept."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: Numbers
    size: tuple[int, int]

    def times(self, weights: Numbers) -> Numbers:
        """Return the sum of each row, its entries weighed."""
        entries = self.values * weights[self.columns]
        return np.bincount(self.rows, entries, self.size[0]).astype(np.float64)

    def turned_times(self, weights: Numbers) -> Numbers:
        """Return the sum of each column, its entries weighed."""
        entries = self.values * weights[self.rows]
        return np.bincount(self.columns, entries, self.size[1]).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Line:
    """Log-odds are `intercept` + weights · features."""

    weights: Numbers
    intercept: float

    def logits(self, features: Numbers) -> Numbers:
        """Return the log-odds of each row."""
        return features @ self.weights + self.intercept


def fit_line(
    features: Numbers, is_so: Numbers, shares: Numbers, expected: Numbers, ridge: float
) -> Line:
    """Return the line of scaled features; both classes weigh the same in total.

    The ridge pulls the scaled weights towards `expected` instead of 0.
    """
    mean, spread = features.mean(axis=0), features.std(axis=0) + _LEAST_SPREAD
    even = shares * balance(is_so)
    scaled = _newton((features - mean) / spread, is_so, even, expected, ridge)
    weights = scaled[:-1] / spread
    return Line(weights, float(scaled[-1] - weights @ mean))


def fit_platt(logits: Numbers, is_so: Numbers) -> tuple[float, float]:
    """Return slope and offset that turn log-odds into calibrated ones. Source: Platt 1999."""
    yes = float(is_so.sum())
    no = len(is_so) - yes
    softened = np.where(is_so > 0, (yes + 1) / (yes + 2), 1 / (no + 2))
    slope, offset = _newton(logits[:, None], softened, np.ones(len(logits)), np.zeros(1), 1e-3)
    return max(float(slope), 0.0), float(offset)


def fit_sparse(features: Sparse, is_so: Numbers, ridge: float) -> Line:
    """Return the line of many features of which few are there; rows have length one."""
    shares = balance(is_so) / balance(is_so).sum()
    weights = np.zeros(features.size[1] + 1)
    ahead, momentum = weights.copy(), 1.0
    for _ in range(_GRADIENT_STEPS):
        wrong = shares * (sigmoid(features.times(ahead[:-1]) + ahead[-1]) - is_so)
        slope = np.append(features.turned_times(wrong) + ridge * ahead[:-1], wrong.sum())
        stepped = ahead - slope / (0.5 + ridge)
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = stepped + (momentum - 1) / following * (stepped - weights)
        weights, momentum = stepped, following
    return Line(weights[:-1], float(weights[-1]))


def sigmoid(logits: Numbers) -> Numbers:
    """Return probabilities."""
    return 1.0 / (1.0 + np.exp(-np.clip(logits, -500, 500)))


def balance(is_so: Numbers) -> Numbers:
    """Return weights with which both classes count half."""
    share = min(max(float(is_so.mean()), 1e-6), 1 - 1e-6)
    return np.where(is_so > 0, 0.5 / share, 0.5 / (1 - share))


def _newton(
    features: Numbers, target: Numbers, shares: Numbers, expected: Numbers, ridge: float
) -> Numbers:
    rows = np.hstack([features, np.ones((len(features), 1))])
    penalty = np.eye(rows.shape[1]) * ridge
    penalty[-1, -1] = 1e-6
    pulled_to = np.append(expected, 0.0)
    found = pulled_to.copy()
    for _ in range(_NEWTON_STEPS):
        likely = sigmoid(rows @ found)
        slope = rows.T @ (shares * (likely - target)) + penalty @ (found - pulled_to)
        curved = (rows * (shares * likely * (1 - likely) + 1e-9)[:, None]).T @ rows + penalty
        found -= np.linalg.solve(curved, slope)
    return found
