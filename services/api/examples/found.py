"""Results of searches, single memories and files, and what they are tied to. Pure."""

from __future__ import annotations

from typing import Final

from services.api.examples import (
    CHUNK,
    EARLIER,
    FILE,
    FILE_ID,
    JOB_ID,
    LATER,
    MEMORY_ID,
    PATTERN_ID,
    PROJECT,
    QUESTION,
    SESSION,
    TRACE_ID,
    USER_ID,
    Example,
)

ASKED: Final = "why does the parser fail on empty input"
HIT: Final[Example] = {
    "kind": "memory",
    "id": MEMORY_ID,
    "title": QUESTION,
    "projectName": PROJECT,
    "sessionId": SESSION,
    "path": None,
    "language": None,
    "userId": USER_ID,
    "source": "claude-code",
    "occurredAt": EARLIER,
    "snippet": {
        "text": QUESTION,
        "highlights": [[13, 19], [20, 24], [28, 33], [34, 39]],
        "isCutBefore": False,
        "isCutAfter": False,
    },
    "score": 1.31,
    "fused": 0.0492,
    "similarity": 0.83,
    "why": {
        "meaning": {"rank": 1},
        "words": {"rank": 1, "score": 7.4, "words": ["parser", "fail", "empty", "input"]},
        "graph": {
            "rank": 1,
            "ties": [
                {
                    "tie": "mentioned_in",
                    "kind": "code",
                    "id": FILE_ID,
                    "title": FILE,
                    "patternId": None,
                }
            ],
        },
    },
    "permalink": f"/dashboard/search/memory/{MEMORY_ID}",
}
RESULTS: Final[Example] = {
    "query": ASKED,
    "results": [HIT],
    "count": 1,
    "ranked": 1,
    "next": None,
}
MEMORIES: Final[Example] = {
    "results": [
        {
            "id": MEMORY_ID,
            "chunkId": CHUNK,
            "content": QUESTION,
            "similarity": 0.83,
            "metadata": {"messageType": "user"},
            "sessionId": SESSION,
            "projectName": PROJECT,
            "occurredAt": EARLIER,
        }
    ],
    "count": 1,
    "query": ASKED,
}
ENTITY: Final[Example] = {
    "kind": "memory",
    "id": MEMORY_ID,
    "title": QUESTION,
    "content": QUESTION,
    "metadata": {"messageType": "user"},
    "chunkId": CHUNK,
    "projectName": PROJECT,
    "sessionId": SESSION,
    "userId": USER_ID,
    "path": None,
    "language": None,
    "type": "conversation",
    "occurredAt": EARLIER,
    "createdAt": EARLIER,
    "updatedAt": EARLIER,
    "related": [
        {
            "tie": "mentions",
            "kind": "code",
            "id": FILE_ID,
            "title": FILE,
            "excerpt": "def parse(text): ...",
            "occurredAt": EARLIER,
            "methods": ["name_match"],
            "names": ["parser"],
        }
    ],
    "patterns": [
        {
            "id": PATTERN_ID,
            "type": "debugging",
            "name": "debugging-session-semantic",
            "period": "2026-01-31",
            "confidence": 0.82,
        }
    ],
    "messages": [
        {
            "state": "done",
            "enqueuedAt": EARLIER,
            "endedAt": LATER,
            "jobId": JOB_ID,
            "traceId": TRACE_ID,
            "error": None,
        }
    ],
    "permalink": f"/dashboard/search/memory/{MEMORY_ID}",
}
NODE: Final[Example] = {
    "kind": "memory",
    "id": MEMORY_ID,
    "title": QUESTION,
    "excerpt": QUESTION,
    "projectName": PROJECT,
    "sessionId": SESSION,
    "confidence": None,
    "at": EARLIER,
}
NEIGHBOURHOOD: Final[Example] = {
    "centre": NODE,
    "neighbours": [
        {
            "edge": "references",
            "node": NODE
            | {"kind": "code", "id": FILE_ID, "title": FILE, "excerpt": "", "sessionId": None},
            "methods": ["name_match"],
        }
    ],
    "counts": [{"edge": "references", "total": 1, "more": 0, "isAtLeast": False}],
}
