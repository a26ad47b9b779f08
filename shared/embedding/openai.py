"""Embeddings from any OpenAI-compatible endpoint: OpenAI, Ollama, vLLM and others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import httpx
from pydantic import BaseModel, ValidationError

from faststream_pgmq import report_progress
from shared.domain.calibration import Calibration
from shared.errors import DependencyDownError, InvalidInputError

BATCH_SIZE: Final = 100
TIMEOUT_SECONDS: Final = 30.0
READ_CHARACTERS: Final = 24_000
"""Under the 8,191 tokens that the models take, for text of 3 characters a token."""
EMPTY: Final = "(empty)"
"""Endpoints refuse an empty text."""
DEPENDENCY: Final = "the embedding endpoint"


class _Vector(BaseModel):
    index: int
    embedding: list[float]


class _Answer(BaseModel):
    data: list[_Vector]


class OpenAIEmbedder:
    """One model behind an OpenAI-compatible endpoint."""

    def __init__(
        self,
        *,
        url: str,
        model: str,
        dimensions: int,
        api_key: str | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        self.name = model
        self.calibration = calibration or Calibration()
        self.dimensions = dimensions
        self._endpoint = f"{url.rstrip('/')}/embeddings"
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one vector for each text, asked for in batches."""
        vectors: list[list[float]] = []
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, headers=self._headers) as client:
            for start in range(0, len(texts), BATCH_SIZE):
                report_progress("embed", start, len(texts))
                vectors += await self._embed_batch(client, texts[start : start + BATCH_SIZE])
        return vectors

    async def _embed_batch(
        self, client: httpx.AsyncClient, texts: Sequence[str]
    ) -> list[list[float]]:
        inputs = [_clean(text) for text in texts]
        body = {"model": self.name, "input": inputs, "dimensions": self.dimensions}
        try:
            response = await client.post(self._endpoint, json=body)
        except httpx.TransportError as error:
            raise DependencyDownError(DEPENDENCY, type(error).__name__) from error
        _raise_for_status(response)
        return self._vectors_of(response, expected=len(texts))

    def _vectors_of(self, response: httpx.Response, *, expected: int) -> list[list[float]]:
        try:
            answer = _Answer.model_validate_json(response.content)
        except ValidationError as error:
            raise DependencyDownError(DEPENDENCY, "its answer is no embedding list") from error
        vectors = [item.embedding for item in sorted(answer.data, key=lambda item: item.index)]
        if len(vectors) != expected:
            raise DependencyDownError(DEPENDENCY, f"{len(vectors)} vectors for {expected} texts")
        for vector in vectors:
            if len(vector) != self.dimensions:
                reason = f"{self.name} has {len(vector)} dimensions, not {self.dimensions}"
                raise DependencyDownError(DEPENDENCY, reason)
        return vectors


def _clean(text: str) -> str:
    cut = text[:READ_CHARACTERS].encode("utf-8", "replace").decode("utf-8")
    return cut if cut.strip() else EMPTY


def _raise_for_status(response: httpx.Response) -> None:
    """Busy, broken, or without a valid key: every message would fail, so work waits."""
    status = response.status_code
    if status in {401, 403, 404, 408, 429} or status >= 500:
        raise DependencyDownError(DEPENDENCY, f"HTTP {status}")
    if response.is_error:
        raise InvalidInputError("content", f"the embedding endpoint answers HTTP {status}")
