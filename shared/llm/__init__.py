"""Who writes summaries, and the one that the settings name."""

from __future__ import annotations

from shared.llm.extractive import ExtractiveSummariser
from shared.llm.openai import EmptyAnswerError, OpenAISummariser
from shared.llm.protocol import Summariser
from shared.settings import Settings

__all__ = [
    "EmptyAnswerError",
    "ExtractiveSummariser",
    "OpenAISummariser",
    "Summariser",
    "open_summariser",
]


def open_summariser(settings: Settings) -> Summariser:
    """Return the summariser that the settings name; it connects at its first summary."""
    if settings.summary_model is None:
        return ExtractiveSummariser()
    key = settings.summary_api_key
    return OpenAISummariser(
        url=settings.summary_url,
        model=settings.summary_model,
        api_key=key.get_secret_value() if key else None,
    )
