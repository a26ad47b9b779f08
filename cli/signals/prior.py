"""Where each weight is pulled to, per spread of its feature: what is known before any example.

Some hundred episodes cannot teach fifty weights alone. The signs are common sense, the sizes were
set once; half of them was best on the development sessions (0, ½, 1 and 2 were tried).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from cli.signals.logistic import Numbers
from shared.domain.activity.model import ActivityName

SHARE: Final = 0.5

_EXPECTED: Final[Mapping[ActivityName, Mapping[str, float]]] = {
    "debugging": {
        "lead_fault": 0.5,
        "lead_negation": 0.25,
        "failing_outputs": 0.25,
        "answer_cause": 0.25,
        "answer_fault": 0.15,
        "lead_like_debugging": 0.25,
        "answer_like_debugging": 0.15,
        "shows_output": 0.1,
        "tool_errors": 0.1,
    },
    "learning": {
        "question_mark": 0.3,
        "opens_as_question": 0.3,
        "ends_as_question": 0.2,
        "asked_without_edit": 0.5,
        "edited": -0.4,
        "edits": -0.2,
        "praises_question": 0.25,
        "lead_check": 0.15,
        "orders": -0.15,
        "lead_upkeep": -0.15,
    },
    "refactoring": {
        "lead_reshape": 0.3,
        "lead_reshapings": 0.3,
        "relocates": 0.3,
        "answer_reshapings": 0.2,
        "answer_reshape": 0.2,
        "lead_like_refactoring": 0.3,
        "answer_like_refactoring": 0.2,
        "reshape_with_edit": 0.2,
        "reshapings_with_edit": 0.2,
    },
}


def expected_weights(activity: ActivityName, names: Sequence[str]) -> Numbers:
    """Return the expected weights of scaled features; 0 for those nothing is known of."""
    known = _EXPECTED[activity]
    return np.array([SHARE * known.get(name, 0.0) for name in names])
