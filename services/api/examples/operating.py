"""Dead letters, operations, keys, the audit log and usage. Pure."""

from __future__ import annotations

from typing import Final

from services.api.examples import (
    DAY,
    EARLIER,
    FINGERPRINT,
    JOB_ID,
    KEY_ID,
    LATER,
    OPERATION_ID,
    QUEUE,
    SNAPSHOT,
    TRACE_ID,
    USER_ID,
    WORKSPACE,
    Example,
)

FRAME: Final = "services/ingest/handlers.py:31 in ingest"
LETTER: Final[Example] = {
    "queue": QUEUE,
    "id": 17,
    "fingerprint": FINGERPRINT,
    "diedAt": LATER,
    "error": "TimeoutError",
    "message": "the model did not answer in 30 s",
    "frame": FRAME,
    "release": "1.4.1",
    "attempts": 5,
    "jobId": JOB_ID,
    "traceId": TRACE_ID,
}
LETTERS: Final[Example] = {"letters": [LETTER], "next": None}
GROUPS: Final[Example] = {
    "groups": [
        {
            "fingerprint": FINGERPRINT,
            "queue": QUEUE,
            "error": "TimeoutError",
            "title": "the model did not answer in <n> s",
            "frame": FRAME,
            "count": 412,
            "firstSeen": EARLIER,
            "lastSeen": LATER,
            "release": "1.4.1",
            "bars": [*([0] * 23), 412],
            "barsSeconds": 86400,
            "newestId": 17,
        }
    ],
    "next": None,
    "countedAtMost": 100000,
}
PAYLOAD: Final[Example] = {"type": "memory", "content": "Why does the parser fail on empty input?"}
LETTER_FOUND: Final[Example] = LETTER | {
    "errors": [
        {
            "error": "TimeoutError: the model did not answer in 30 s",
            "frames": [
                {
                    "file": "services/ingest/handlers.py",
                    "line": 31,
                    "name": "ingest",
                    "code": "vectors = await embedder.embed(texts)",
                    "isOwn": True,
                }
            ],
        }
    ],
    "framesOmitted": 0,
    "traceback": "Traceback (most recent call last): …",
    "tracebackBytes": 2104,
    "payload": PAYLOAD,
    "payloadExcerpt": None,
    "payloadBytes": 74,
    "headers": {"job_id": JOB_ID},
    "enqueuedAt": EARLIER,
    "deliveries": 5,
}
RAW_LETTER: Final[Example] = {
    "queue": QUEUE,
    "id": 17,
    "headers": {"job_id": JOB_ID},
    "traceback": "Traceback (most recent call last): …",
    "payload": PAYLOAD,
}
PREVIEW: Final[Example] = {"queue": QUEUE, "filter": {"fingerprint": FINGERPRINT}}
PREVIEWED: Final[Example] = {
    "count": 412,
    "isCapped": False,
    "samples": [LETTER],
    "highestId": 17,
    "snapshot": SNAPSHOT,
}
REDRIVE: Final[Example] = PREVIEW | {
    "snapshot": SNAPSHOT,
    "expectedCount": 412,
    "reason": "the model answers again",
    "rate": 100,
}
REDRIVE_IDS: Final[Example] = {"queue": QUEUE, "ids": [17, 18], "reason": "fixed in 1.4.2"}
OPERATION: Final[Example] = {
    "id": OPERATION_ID,
    "kind": "redrive",
    "queue": QUEUE,
    "filter": {"fingerprint": FINGERPRINT},
    "state": "running",
    "total": 412,
    "done": 200,
    "skipped": 2,
    "left": 210,
    "percent": 49.0,
    "rate": 100.0,
    "reason": "the model answers again",
    "requestedBy": "command line",
    "error": None,
    "createdAt": EARLIER,
    "startedAt": EARLIER,
    "finishedAt": None,
}
OPERATIONS: Final[Example] = {"operations": [OPERATION], "next": None}
NEW_KEY: Final[Example] = {"name": "importer", "scopes": ["ingest"], "days": 90}
ROTATION: Final[Example] = {"graceHours": 24}
KEY: Final[Example] = {
    "id": KEY_ID,
    "workspaceId": WORKSPACE,
    "name": "importer",
    "prefix": "sst_Q1w2E3",
    "scopes": ["ingest"],
    "userId": USER_ID,
    "requestsPerMinute": None,
    "replaces": None,
    "state": "valid",
    "createdAt": EARLIER,
    "lastUsedAt": None,
    "expiresAt": "2026-05-01T09:30:00Z",
    "revokedAt": None,
}
KEYS: Final[Example] = {"keys": [KEY], "next": None}
KEY_MADE: Final[Example] = {"key": "sst_Q1w2E3…", "details": KEY}
ENTRIES: Final[Example] = {
    "entries": [
        {
            "id": 51,
            "at": LATER,
            "keyId": KEY_ID,
            "keyName": "command line",
            "userId": USER_ID,
            "action": "dead_letters.redrive",
            "target": QUEUE,
            "filter": {"fingerprint": FINGERPRINT},
            "count": 412,
            "reason": "the model answers again",
        }
    ],
    "next": None,
}
USAGE: Final[Example] = {
    "since": "2026-01-01T09:30:04Z",
    "until": LATER,
    "by": "day",
    "rows": [
        {
            "name": DAY,
            "requests": 14,
            "memories": 412,
            "files": 37,
            "contentBytes": 918273,
            "jobs": 9,
            "searches": 26,
        }
    ],
}
