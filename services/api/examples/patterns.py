"""Patterns, their rates, and projects. Pure."""

from __future__ import annotations

from typing import Final

from services.api.examples import (
    CHUNK,
    DAY,
    EARLIER,
    JOB_ID,
    LATER,
    MEMORY_ID,
    PATTERN_ID,
    PROJECT,
    QUESTION,
    SESSION,
    USER_ID,
    Example,
)

DETECT: Final[Example] = {"patternTypes": ["debugging"], "limit": 100}
QUERY: Final[Example] = {"query": "what keeps failing", "minConfidence": 0.5, "limit": 20}
REVIEW: Final[Example] = {"verdict": "confirmed", "note": "that was the release week"}
PATTERN: Final[Example] = {
    "id": PATTERN_ID,
    "type": "debugging",
    "name": "debugging-session-semantic",
    "projectName": PROJECT,
    "period": DAY,
    "periodType": "day",
    "confidence": 0.82,
    "frequency": 7,
    "firstDetected": EARLIER,
    "lastValidated": LATER,
    "lastUpdated": LATER,
    "metadata": {"reason": "7 memories of one morning are about mending something"},
    "evidence": [
        {
            "id": MEMORY_ID,
            "kind": "memory",
            "sessionId": SESSION,
            "occurredAt": EARLIER,
            "excerpt": QUESTION,
            "chunkId": CHUNK,
            "path": None,
        }
    ],
    "evidenceCount": 7,
    "firstAt": EARLIER,
    "lastAt": LATER,
    "review": {
        "verdict": "confirmed",
        "note": "that was the release week",
        "reviewedBy": "command line",
        "reviewedAt": LATER,
    },
    "similarity": None,
}
PATTERNS: Final[Example] = {"patterns": [PATTERN], "count": 1, "next": None}
DETAIL: Final[Example] = PATTERN | {
    "reason": "7 memories of one morning are about mending something",
    "facts": {"memories": 7},
    "related": [
        {
            "id": "d5e6f708-1b2c-5d3e-9f4a-5b6c7d8e9fa0",
            "type": "problem_solving",
            "name": "problem-solution",
            "period": DAY,
            "projectName": PROJECT,
            "confidence": 0.7,
            "shared": 3,
        }
    ],
}
RATES: Final[Example] = {
    "rates": [
        {
            "type": "debugging",
            "weeks": [
                {
                    "week": "2026-01-26",
                    "memories": 120,
                    "matched": 18,
                    "patterns": 2,
                    "share": 0.15,
                    "low": 0.097,
                    "high": 0.225,
                }
            ],
            "steps": [
                {
                    "at": EARLIER,
                    "week": "2026-01-26",
                    "detector": "debugging",
                    "method": "rules 3",
                    "before": "rules 2",
                }
            ],
        }
    ],
}
SUMMARY: Final = "A parser for configuration files; its handling of empty input was mended."
SUMMARIES: Final[Example] = {
    "summaries": [
        {
            "projectName": PROJECT,
            "summary": SUMMARY,
            "model": "extractive",
            "memoriesIncluded": 412,
            "lastMemoryTimestamp": EARLIER,
            "createdAt": EARLIER,
            "updatedAt": LATER,
        }
    ],
    "count": 1,
    "next": None,
}
PROJECT_FOUND: Final[Example] = {
    "name": PROJECT,
    "memories": 412,
    "files": 37,
    "newestAt": EARLIER,
    "summary": SUMMARY,
    "summaryState": "fresh",
    "summarisedAt": LATER,
    "model": "extractive",
}
PROJECTS: Final[Example] = {"projects": [PROJECT_FOUND], "next": None}
SOURCE: Final[Example] = {
    "id": MEMORY_ID,
    "chunkId": CHUNK,
    "sessionId": SESSION,
    "occurredAt": EARLIER,
    "excerpt": QUESTION,
}
PROJECT_DETAIL: Final[Example] = PROJECT_FOUND | {
    "memoriesIncluded": 412,
    "firstMemoryTimestamp": "2025-11-03T08:00:00Z",
    "lastMemoryTimestamp": EARLIER,
    "sources": [SOURCE],
    "activity": [{"day": DAY, "memories": 12}],
    "decisions": [{"text": "Empty input is an empty document.", "source": SOURCE}],
    "patterns": [PATTERN],
    "sessions": [
        {
            "id": SESSION,
            "userId": USER_ID,
            "startedAt": EARLIER,
            "endedAt": LATER,
            "memories": 12,
            "activities": ["debugging"],
            "keywords": ["parser", "input"],
        }
    ],
    "openJobs": [{"id": JOB_ID, "waiting": 3, "running": 1, "retrying": 0, "dead": 0}],
}
