"""Every detector, by the type of pattern that it finds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shared.domain.debugging import DEBUGGING
from shared.domain.detectors import check_types
from shared.domain.learning import LEARNING
from shared.domain.problem_solution import PROBLEM_SOLUTION
from shared.domain.problem_solving import PROBLEM_SOLVING
from shared.domain.refactoring import REFACTORING
from shared.domain.research_implementation import RESEARCH_IMPLEMENTATION
from shared.graph.following import following_detector_of
from shared.graph.looking import Detector
from shared.graph.memory_code_patterns import DISCUSSED_CODE
from shared.graph.signal_patterns import detector_of
from shared.graph.temporal_patterns import TEMPORAL

DETECTORS: Final[tuple[Detector, ...]] = (
    detector_of(DEBUGGING),
    detector_of(LEARNING),
    detector_of(REFACTORING),
    detector_of(PROBLEM_SOLVING),
    following_detector_of(PROBLEM_SOLUTION),
    following_detector_of(RESEARCH_IMPLEMENTATION),
    DISCUSSED_CODE,
    TEMPORAL,
)


def choose_detectors(pattern_types: Iterable[str]) -> list[Detector]:
    """Return the detectors of the types, all where none is named.

    Raises:
        UnknownPatternTypeError: names the first type that does not exist.
    """
    wanted = check_types(pattern_types)
    return [detector for detector in DETECTORS if detector.type in wanted]
