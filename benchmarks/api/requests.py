"""What is sent: chunks as an importer sends them, each with a text of its own. Pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

from benchmarks.detection.texts import KINDS, TOPICS, text_of

STARTED: Final = datetime(2026, 3, 2, 9, tzinfo=UTC).isoformat()
SENTENCES: Final = 6
"""Some 1,100 characters: what a turn of a conversation has."""
_numbers: Final = count()


def chunks(number: int) -> list[dict[str, Any]]:
    """Return so many chunks that nobody has sent before."""
    return [_chunk(next(_numbers)) for _ in range(number)]


def body_of(some: list[dict[str, Any]]) -> bytes:
    """Return the body of the request that sends them."""
    session = f"session-{some[0]['metadata']['chunkIndex'] // 100}"
    envelope = {"sessionId": session, "projectPath": "/home/someone/shop", "chunks": some}
    return json.dumps(envelope).encode()


def _chunk(number: int) -> dict[str, Any]:
    kinds, topic = list(KINDS), TOPICS[number % len(TOPICS)]
    said = [
        text_of(topic, kinds[(number + i) % len(kinds)], f"part_{number}_{i}")
        for i in range(SENTENCES)
    ]
    return {
        "chunkId": f"chunk-{number}",
        "content": f"{number}: " + "\n".join(said),
        "metadata": {
            "startTime": STARTED,
            "messageType": "user",
            "filePaths": [f"src/{topic}.py"],
            "topics": [topic],
            "chunkIndex": number,
            "messageCount": 2,
            "tools": {"Read": 1, "Edit": 2},
        },
    }
