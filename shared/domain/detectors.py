"""Which detector finds which type of pattern. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, get_args

from shared.domain.debugging import DEBUGGING
from shared.domain.detector import Detector
from shared.domain.learning import LEARNING
from shared.domain.refactoring import REFACTORING
from shared.errors import UnknownPatternTypeError
from shared.messages import PatternType

KNOWN_TYPES: Final[frozenset[str]] = frozenset(get_args(PatternType))
DETECTORS: Final[Mapping[str, Detector]] = {
    detector.type: detector for detector in (DEBUGGING, LEARNING, REFACTORING)
}


def choose_detectors(pattern_types: Iterable[str]) -> list[Detector]:
    """Return the detectors of the types, all where none is named; a known type may have none yet.

    Raises:
        UnknownPatternTypeError: names the first type that does not exist.
    """
    wanted = list(dict.fromkeys(pattern_types)) or sorted(DETECTORS)
    for pattern_type in wanted:
        if pattern_type not in KNOWN_TYPES:
            raise UnknownPatternTypeError(pattern_type, known=KNOWN_TYPES)
    return [DETECTORS[pattern_type] for pattern_type in wanted if pattern_type in DETECTORS]
