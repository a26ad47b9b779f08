"""Embedders, and the one that the settings name."""

from __future__ import annotations

from shared.domain.calibration import Calibration
from shared.embedding.openai import OpenAIEmbedder
from shared.embedding.protocol import Embedder
from shared.embedding.wordllama import CALIBRATION, WordLlamaEmbedder
from shared.settings import Settings

__all__ = ["Calibration", "Embedder", "OpenAIEmbedder", "WordLlamaEmbedder", "open_embedder"]


def open_embedder(settings: Settings) -> Embedder:
    """Return the embedder that the settings name; it connects or loads at its first text."""
    points = settings.embedding_calibration
    if settings.embedder == "wordllama":
        return WordLlamaEmbedder(Calibration(points) if points else CALIBRATION)
    key = settings.embedding_api_key
    return OpenAIEmbedder(
        url=settings.embedding_url,
        model=settings.embedding_model,
        dimensions=settings.embedding_dimensions,
        api_key=key.get_secret_value() if key else None,
        calibration=Calibration(points),
    )
