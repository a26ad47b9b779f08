"""Writes the figures of the model card as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from pydantic import JsonValue, TypeAdapter

from cli.signals.evaluation import Report, Trial, cross_validate, judge, report
from cli.signals.labelled import Episode, Labelled, is_kept_aside
from cli.signals.logistic import Numbers
from cli.signals.training import FOLDS, Rows, folds_of, rows_of, train_ngrams
from shared.domain.activity.model import ACTIVITIES, LIKELIER_THAN_NOT
from shared.domain.activity.ngrams import NgramTable

CURVE: Final = (0.25, 0.5, 0.75, 1.0)
CURVE_REPEATS: Final = 5


@dataclass(frozen=True, slots=True)
class Figures:
    """One model measured in three ways."""

    development: Report
    """Cross-validated on the sessions on which the choices were made."""
    aside: Report
    """Trained on those, measured on the others."""
    everything: Report
    """Cross-validated on all."""
    curve: dict[float, float]
    """Macro-F1 on unseen sessions, by the share of the development sessions trained on."""


def measure(labelled: Labelled) -> dict[str, Figures]:
    """Return the figures of both models; the n-grams never see an episode."""
    packed = train_ngrams(labelled.commits)
    tables = {label: NgramTable.unpack(**dict(table)) for label, table in packed.items()}
    return {
        name: _measure(labelled.episodes, rows_of(labelled.episodes, tables, structured=structured))
        for name, structured in (("structured", True), ("text", False))
    }


def table_of(found: Report) -> str:
    """Return one row for each activity."""
    head = "| activity | F1 | precision | recall | Brier (base rate) | ECE |"
    rule = "|---|---|---|---|---|---|"
    return "\n".join([head, rule, *_rows(found)])


def dump_figures(figures: dict[str, Figures]) -> JsonValue:
    """Return all figures as JSON."""
    return TypeAdapter(dict[str, Figures]).dump_python(figures, mode="json")


def card_of(figures: dict[str, Figures]) -> str:
    """Return all tables."""
    return "\n\n".join(part for name, one in figures.items() for part in _parts(name, one))


def _measure(episodes: Sequence[Episode], rows: Rows) -> Figures:
    aside = np.array([is_kept_aside(episode.session_id) for episode in episodes])
    development, kept = rows.only(~aside), rows.only(aside)
    return Figures(
        development=report(cross_validate(development), development.sessions),
        aside=report([judge(development, kept)], kept.sessions),
        everything=report(cross_validate(rows), rows.sessions),
        curve={share: _curve_point(development, share) for share in CURVE},
    )


def _curve_point(rows: Rows, share: float) -> float:
    seeds = range(1, CURVE_REPEATS + 1)
    points = [_macro(*_thinned(rows, share, seed, f)) for seed in seeds for f in range(FOLDS)]
    hits: Numbers = np.sum(np.array(points, dtype=np.float64), axis=0)
    return float((2 * hits[:, 0] / np.maximum(hits[:, 1] + hits[:, 2], 1e-9)).mean())


def _thinned(rows: Rows, share: float, seed: int, fold: int) -> tuple[Trial, Rows]:
    folds = folds_of(rows.sessions, seed)
    training = sorted({s for s, f in zip(rows.sessions, folds, strict=True) if f != fold})
    size = max(round(share * len(training)), FOLDS)
    drawn = np.random.default_rng(seed * 100 + fold).permutation(len(training))[:size].tolist()
    kept = {training[int(place)] for place in drawn}
    seen = rows.only(np.array([session in kept for session in rows.sessions]))
    unseen = rows.only(folds == fold)
    return judge(seen, unseen), unseen


def _macro(trial: Trial, _: Rows) -> list[list[float]]:
    return [
        [
            float((trial[a].carried * trial[a].is_so).sum()),
            float(trial[a].carried.sum()),
            float(trial[a].is_so.sum()),
        ]
        for a in ACTIVITIES
    ]


def _parts(name: str, one: Figures) -> Iterator[str]:
    yield f"### {name}: development sessions\n\n{table_of(one.development)}"
    yield f"### {name}: sessions kept aside\n\n{table_of(one.aside)}"
    yield f"### {name}: all sessions\n\n{table_of(one.everything)}"
    points = ", ".join(f"{share:.0%}: {score:.2f}" for share, score in one.curve.items())
    yield f"Learning curve (macro-F1 by share of the development sessions): {points}"


def _rows(found: Report) -> Iterator[str]:
    for a in ACTIVITIES:
        brier = f"{found.brier[a]:.3f} ({found.brier_of_base_rate[a]:.3f})"
        cells = (found.f1[a], found.precision[a], found.recall[a], brier)
        yield f"| {a} | {' | '.join(map(str, cells))} | {found.calibration_error[a]:.3f} |"
    yield f"| macro | {found.f1['macro']} | | | | |"
    precision, recall = found.precise_precision["debugging"], found.precise_recall["debugging"]
    yield f"| debugging from {LIKELIER_THAN_NOT} on | | {precision} | {recall} | | |"
