"""Which carriers of a signal are sure enough to be a pattern's evidence. Pure.

A signal is set where it is right more often than wrong about all that carry it; a pattern shows
its evidence to a reader, so it wants more: a published probability, and tools that fit. Chosen on
one half of the labelled sessions; docs/detectors/activities.md has the figures of the other half.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.domain.findings import Signal, Summary

LEAST_PROBABILITY: Final[Mapping[Signal, tuple[str, float]]] = {
    "is_debugging": ("debugging_score", 0.5),
    "is_learning": ("learning_score", 0.4),
    "is_refactoring": ("refactoring_score", 0.4),
}


def is_sure(summary: Summary, signal: Signal) -> bool:
    """Whether a carrier of a signal counts as evidence.

    Of plain text the domain's keyword rules say all there is to say.
    """
    if signal not in LEAST_PROBABILITY or summary.signals.get("knows_tools") is not True:
        return True
    score, least = LEAST_PROBABILITY[signal]
    return summary.score(score) >= least and _fits(summary, signal)


def _fits(summary: Summary, signal: Signal) -> bool:
    if signal == "is_learning":
        return summary.signals.get("is_explanation") is True
    return signal != "is_refactoring" or summary.count("edits") > 0
