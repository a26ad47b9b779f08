"""What the services need from a model that turns texts into vectors. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from shared.domain.calibration import Calibration


class Embedder(Protocol):
    """Turns texts into vectors of length one."""

    @property
    def name(self) -> str:
        """Names the model, so that vectors of two models are never compared."""
        ...

    @property
    def dimensions(self) -> int:
        """The length of every vector; the vector indexes are created for it."""
        ...

    @property
    def calibration(self) -> Calibration:
        """Translates the domain's cosine thresholds to this model."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one vector for each text, in order; any text has one, also an empty one.

        Raises:
            DependencyDownError: the model's server does not answer.
            InvalidInputError: the model's server refuses the texts.
        """
        ...
