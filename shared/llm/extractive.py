"""Summaries from a project's own sentences."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from shared.domain.summarising import MODEL, Episode, summarise


class ExtractiveSummariser:
    """Needs no model and no key."""

    model = MODEL

    async def summarise(self, project_name: str, episodes: Sequence[Episode]) -> str:
        """Return the paragraph, computed in a thread."""
        return await asyncio.to_thread(summarise, project_name, episodes)
