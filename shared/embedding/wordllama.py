"""The default embedder: small word vectors on the CPU, weights inside the package, no network."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from faststream_pgmq import report_progress
from shared.domain.calibration import Calibration

DIMENSIONS: Final = 256
READ_CHARACTERS: Final = 20_000
"""A mean over word vectors hardly moves after this much text, and 1 MB of it takes a second."""
BATCH_SIZE: Final = 64
"""Bounds the memory of one step."""

CALIBRATION: Final = Calibration(points=((0.65, 0.59), (0.70, 0.62), (0.80, 0.70)))
"""Measured by `supastate calibrate` on 19,894 pairs of unrelated conversation turns of
one repository (no session and no file in common): 2 %, 1 % and 0.1 % of them are more alike."""


class WordLlamaEmbedder:
    """Word vectors, averaged; loads its 16 MB of weights at the first text."""

    name = "wordllama-l2-supercat-256"
    dimensions = DIMENSIONS

    def __init__(self, calibration: Calibration = CALIBRATION) -> None:
        self.calibration = calibration

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return unit vectors, computed in a thread."""
        return await asyncio.to_thread(_embed, list(texts))


def _embed(texts: list[str]) -> list[list[float]]:
    vectors: list[list[float]] = []
    for start in range(0, len(texts), BATCH_SIZE):
        report_progress("embed", start, len(texts))
        vectors += _embed_batch(texts[start : start + BATCH_SIZE])
    return vectors


def _embed_batch(texts: list[str]) -> list[list[float]]:
    # Not the library's own pooling: it pads each text to the longest one of its batch, which takes
    # gigabytes as soon as one text is long, and yields NaN for an empty text.
    tokenizer, weights = _load()
    encoded = tokenizer.encode_batch([_clean(text) for text in texts], add_special_tokens=False)
    return [_unit(weights, text.ids).tolist() for text in encoded]


def _clean(text: str) -> str:
    """Lone surrogates, which JSON may carry, cannot be tokenized."""
    return text[:READ_CHARACTERS].encode("utf-8", "replace").decode("utf-8")


def _unit(weights: NDArray[np.float32], ids: list[int]) -> NDArray[np.float32]:
    """The mean of the words' vectors, of length one; one fixed direction where there is no word."""
    if ids:
        mean = weights[np.minimum(ids, len(weights) - 1)].mean(axis=0)
        length = float(np.linalg.norm(mean))
        if length > 0:
            return mean / np.float32(length)
    nothing = np.zeros(weights.shape[1], dtype=np.float32)
    nothing[0] = 1.0
    return nothing


@cache
def _load() -> tuple[Any, NDArray[np.float32]]:
    # The import takes a second and sets up logging for the whole process, which is not its to do.
    handlers, level = list(logging.root.handlers), logging.root.level
    import wordllama

    logging.root.handlers[:], logging.root.level = handlers, level
    model = wordllama.WordLlama.load(
        # 0.4.0.post1 looks for its tokenizer in a cache folder, though it ships one.
        cache_dir=Path(wordllama.__file__).parent,
        disable_download=True,
        dim=DIMENSIONS,
    )
    model.tokenizer.no_padding()
    return model.tokenizer, np.asarray(model.embedding, dtype=np.float32)
