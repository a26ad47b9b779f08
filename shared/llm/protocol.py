"""What the summary service needs from whoever writes a summary. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from shared.domain.summarising import Episode


class Summariser(Protocol):
    """Writes one paragraph about a project."""

    @property
    def model(self) -> str:
        """Stored with each summary."""
        ...

    async def summarise(self, project_name: str, episodes: Sequence[Episode]) -> str:
        """Return the paragraph; `episodes` are at least one.

        Raises:
            DependencyDownError: the model's server does not answer.
            InvalidInputError: the model's server refuses the text.
            EmptyAnswerError: the model writes nothing.
        """
        ...
