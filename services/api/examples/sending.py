"""What is sent, and what is answered then. Pure."""

from __future__ import annotations

from typing import Final

from services.api.examples import (
    CHUNK,
    DELETION_ID,
    EARLIER,
    FILE,
    FILE_ID,
    JOB_ID,
    MEMORY_ID,
    PROJECT,
    QUESTION,
    SESSION,
    Example,
)

MEMORIES: Final[Example] = {
    "sessionId": SESSION,
    "projectPath": "/home/ada/src/engine",
    "chunks": [
        {
            "chunkId": CHUNK,
            "content": QUESTION,
            "metadata": {"startTime": EARLIER, "messageType": "user"},
        }
    ],
}
CODE: Final[Example] = {
    "projectPath": "/home/ada/src/engine",
    "files": [{"path": FILE, "content": "def parse(text): ..."}],
}
SUBMITTED: Final[Example] = {"success": True, "jobId": JOB_ID, "queued": 1}
MEMORIES_SUBMITTED: Final[Example] = SUBMITTED | {
    "unchanged": 0,
    "failed": 1,
    "results": [
        {"chunkId": CHUNK, "id": MEMORY_ID, "status": "queued", "error": None},
        {
            "chunkId": "5a1f0c9e:1",
            "id": None,
            "status": "failed",
            "error": {"field": "chunks[1].content", "reason": "is empty"},
        },
    ],
}
CODE_SUBMITTED: Final[Example] = SUBMITTED | {
    "unchanged": 0,
    "failed": 0,
    "results": [{"path": FILE, "id": FILE_ID, "status": "queued", "error": None}],
}
MESSAGE_SUBMITTED: Final[Example] = SUBMITTED | {"id": MEMORY_ID}
DELETE: Final[Example] = {"project": PROJECT, "confirm": PROJECT}
DELETION: Final[Example] = {
    "id": DELETION_ID,
    "scope": "project",
    "state": "done",
    "passes": 2,
    "erased": {"memories": 412, "code_entities": 37, "messages": 449, "nodes": 905, "spans": 1204},
    "requestedAt": EARLIER,
    "finishedAt": "2026-01-31T09:31:10Z",
}
