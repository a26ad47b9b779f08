"""Measures an embedder's cosine thresholds: `python -m benchmarks.calibrate FILE`.

FILE holds one JSON object a line (gzip or plain): `id`, `session_id`, `content`, and
`metadata.filePaths`. Two memories of different sessions that touched no common file count as
unrelated; the equivalent of a threshold is the cosine that only its share of such pairs exceeds.

What share the domain's reference model (3072 dimensions, needs a key) lets through is not
published. `RATES` are therefore a decision: 0.65 finds neighbours loosely (2 in 100 unrelated pairs
pass), 0.7 firmly (1 in 100), 0.8 only near-repetition (1 in 1000). Run this with the reference
model and a key to replace the decision by a measurement.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from shared.embedding import Embedder, WordLlamaEmbedder

RATES: Final = {0.65: 0.02, 0.70: 0.01, 0.80: 0.001}


def read_memories(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSON Lines file."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def unrelated(memories: Sequence[dict[str, Any]]) -> NDArray[np.bool_]:
    """Return for each pair whether it is of two sessions without a file in common."""
    files = [set(memory["metadata"].get("filePaths", [])) for memory in memories]
    sessions = [memory["session_id"] for memory in memories]
    size = len(memories)
    return np.array(
        [
            [b > a and sessions[a] != sessions[b] and not files[a] & files[b] for b in range(size)]
            for a in range(size)
        ]
    )


async def measure(embedder: Embedder, memories: Sequence[dict[str, Any]]) -> dict[float, float]:
    """Return the equivalent of each reference threshold."""
    vectors = np.array(await embedder.embed([memory["content"] for memory in memories]))
    cosines = (vectors @ vectors.T)[unrelated(memories)]
    return {reference: float(np.quantile(cosines, 1 - rate)) for reference, rate in RATES.items()}


def main() -> None:
    """Print the equivalents for the default embedder."""
    memories = read_memories(Path(sys.argv[1]))
    embedder = WordLlamaEmbedder()
    found = asyncio.run(measure(embedder, memories))
    print(f"{embedder.name}: {int(unrelated(memories).sum())} unrelated pairs")
    for reference, cosine in found.items():
        print(f"{reference:.2f} -> {cosine:.3f} ({RATES[reference]:.1%} of unrelated pairs)")


if __name__ == "__main__":
    main()
