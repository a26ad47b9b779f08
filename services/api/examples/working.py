"""Jobs, queues and traces. Pure."""

from __future__ import annotations

from typing import Final

from services.api.examples import (
    EARLIER,
    JOB_ID,
    LATER,
    MEMORY_ID,
    QUEUE,
    TRACE_ID,
    USER_ID,
    Example,
)

CANCEL: Final[Example] = {"reason": "imported twice"}
JOB: Final[Example] = {
    "id": JOB_ID,
    "kind": "memory",
    "state": "running",
    "percent": 50.0,
    "submitted": 2,
    "counts": {
        "waiting": 0,
        "running": 1,
        "retrying": 0,
        "done": 1,
        "cancelled": 0,
        "dead": 0,
        "gone": 0,
    },
    "lastError": None,
    "lastHeartbeat": LATER,
    "step": {
        "queue": QUEUE,
        "name": "embedding",
        "done": 1,
        "total": 2,
        "percent": 50.0,
        "toldAt": LATER,
    },
    "createdAt": EARLIER,
    "userId": USER_ID,
}
JOBS: Final[Example] = {
    "jobs": [JOB],
    "next": None,
    "searched": {"jobs": 1, "backTo": EARLIER, "isComplete": True},
}
JOB_DETAIL: Final[Example] = JOB | {
    "errors": [
        {
            "at": EARLIER,
            "queue": QUEUE,
            "messageId": 18,
            "attempts": 1,
            "error": "TimeoutError: the model did not answer",
            "traceback": None,
        }
    ],
    "messages": [
        {
            "queue": QUEUE,
            "place": "queue",
            "id": 18,
            "state": "running",
            "attempts": 1,
            "deliveries": 2,
            "enqueuedAt": EARLIER,
            "startedAt": LATER,
            "endedAt": None,
            "dueAt": "2026-01-31T09:31:04Z",
            "lastHeartbeat": LATER,
            "step": None,
            "traceId": TRACE_ID,
            "excerpt": '{"type": "memory", "content": "Why does the parser …"}',
            "isCut": False,
            "storedBytes": 412,
            "whole": f"/api/jobs/{JOB_ID}/messages/{QUEUE}/queue/18",
        }
    ],
    "messagesNotShown": 0,
    "events": [
        {
            "at": EARLIER,
            "until": EARLIER,
            "kind": "asked",
            "count": 1,
            "queue": None,
            "messageId": None,
            "text": "asked for with 2 messages",
            "traceId": None,
        }
    ],
    "produced": [
        {
            "kind": "memory",
            "id": MEMORY_ID,
            "title": "Why does the parser fail on empty input?",
            "isThere": True,
            "path": f"/api/memories/{MEMORY_ID}",
        }
    ],
    "producedMore": False,
}
CANCELLED: Final[Example] = {"id": JOB_ID, "cancelled": 3, "running": 1}
WHOLE_MESSAGE: Final[Example] = {
    "queue": QUEUE,
    "place": "queue",
    "id": 18,
    "state": "running",
    "message": {"type": "memory", "content": "Why does the parser fail on empty input?"},
    "headers": {"job_id": JOB_ID},
}
PAUSE: Final[Example] = {"reason": "Neo4j moves to another machine"}
PAUSED: Final[Example] = {"name": QUEUE, "paused": True, "changed": True}
COUNTS: Final[Example] = {"waiting": 12, "delayed": 0, "running": 4, "retrying": 1, "dead": 2}
SAMPLE: Final[Example] = COUNTS | {
    "sampledAt": LATER,
    "state": "working",
    "oldestSeconds": 1.7,
    "lastDoneAt": LATER,
    "consumers": 2,
    "idleConsumers": 0,
    "silent": 0,
    "rings": True,
    "countedUntil": EARLIER,
    "windowSeconds": 60.0,
    "arrivedPerSecond": 8.0,
    "donePerSecond": 9.5,
    "failed": 0,
    "waitSeconds": {"p50": 0.4, "p95": 1.9},
    "runSeconds": {"p50": 0.1, "p95": 0.3},
    "drainSeconds": 8.0,
}
QUEUES: Final[Example] = {
    "queues": [COUNTS | {"name": QUEUE, "drained": False, "paused": None, "sample": SAMPLE}],
    "drained": False,
    "problems": [
        {
            "kind": "dead_letters",
            "queue": QUEUE,
            "text": "2 dead letters in memory_ingestion",
            "urgent": False,
        }
    ],
    "release": {"name": "1.4.2", "since": EARLIER},
}
QUEUE_DETAILS: Final[Example] = {
    "name": QUEUE,
    "paused": None,
    "sample": SAMPLE,
    "storage": {
        "deadTuples": 120,
        "lastVacuum": EARLIER,
        "tableBytes": 81920,
        "indexBytes": 65536,
        "archiveBytes": 1048576,
        "obstacle": None,
    },
    "limits": {
        "leaseSeconds": 60.0,
        "batchSize": 20,
        "maxAttempts": 5,
        "oldestTargetSeconds": 60.0,
        "sampleSeconds": 10.0,
    },
    "since": "2026-01-31T08:30:00Z",
    "until": "2026-01-31T09:30:00Z",
    "stepSeconds": 60.0,
    "points": [
        {
            "at": EARLIER,
            "complete": True,
            "waiting": 12,
            "running": 4,
            "dead": 2,
            "oldestSeconds": 1.7,
            "consumers": 2,
            "arrived": 480,
            "done": 570,
            "failed": 0,
            "waitSeconds": {"p50": 0.4, "p95": 1.9},
            "runSeconds": {"p50": 0.1, "p95": 0.3},
        }
    ],
    "histogram": {"boundsSeconds": [0.1, 1.0], "wait": [110, 400, 60], "run": [290, 280, 0]},
}
TRACE: Final[Example] = {
    "traceId": TRACE_ID,
    "name": "POST /api/ingest/memory",
    "startedAt": EARLIER,
    "durationMs": 412.7,
    "spans": 9,
    "errors": 0,
    "services": ["supastate-api", "supastate-ingest"],
    "jobId": JOB_ID,
}
TRACES: Final[Example] = {"traces": [TRACE], "next": None}
TRACE_FOUND: Final[Example] = TRACE | {
    "steps": [
        {
            "spanId": "b7ad6b7169203331",
            "parentSpanId": None,
            "service": "supastate-api",
            "name": "POST /api/ingest/memory",
            "kind": "server",
            "status": "unset",
            "startedAt": EARLIER,
            "durationMs": 12.4,
            "operation": None,
            "queue": None,
            "messageId": None,
            "database": None,
            "error": None,
            "attributes": None,
            "links": None,
        }
    ]
}
