"""How likely a memory is debugging, learning or refactoring, by words and structure. Pure."""

from __future__ import annotations

from shared.domain.activity.model import (
    ACTIVITIES,
    Activity,
    Model,
    carried_by,
    estimate_activity,
    reads_as_reshaping,
)
from shared.domain.activity.structure import Structure

__all__ = [
    "ACTIVITIES",
    "Activity",
    "Model",
    "Structure",
    "carried_by",
    "estimate_activity",
    "reads_as_reshaping",
]
