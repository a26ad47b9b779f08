"""Which carriers of a signal are sure enough to be a pattern's evidence. Pure.

A signal is set where it is right more often than wrong about all that carry it; a pattern shows
its evidence to a reader, so it wants more: a published probability, and tools that fit. Chosen on
one half of the labelled sessions; docs/detectors/activities.md has the figures of the other half.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.domain.findings import Origin, Summary

LEAST_PROBABILITY: Final[Mapping[Origin, tuple[str, float]]] = {
    "is_debugging": ("debugging_score", 0.5),
    "is_learning": ("learning_score", 0.4),
    "is_refactoring": ("refactoring_score", 0.25),
    "is_problem": ("debugging_score", 0.5),
}


def is_sure(summary: Summary, signal: Origin) -> bool:
    """Whether a carrier of a signal counts as evidence.

    Of plain text the domain's keyword rules say all there is to say.
    """
    if signal not in LEAST_PROBABILITY or summary.signals.get("knows_tools") is not True:
        return True
    score, least = LEAST_PROBABILITY[signal]
    return summary.score(score) >= least and _fits(summary, signal)


def _fits(summary: Summary, signal: Origin) -> bool:
    if signal == "is_debugging":
        return any(summary.count(name) for name in ("edits", "failing_outputs", "tool_errors"))
    wanted = {"is_learning": "is_explanation", "is_refactoring": "is_reshaping"}.get(signal)
    return wanted is None or summary.signals.get(wanted) is True
