"""One small world that all examples of the OpenAPI document are taken from: a project `engine`."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from pydantic import BaseModel, ConfigDict, JsonValue

Example: TypeAlias = dict[str, Any]
"""JSON; a test holds it against its schema."""

JOB_ID: Final = "0a3b6c1e-7d52-4f6e-9b1c-2f8d4e5a6b7c"
MEMORY_ID: Final = "5d0e8f44-6a1b-4f3e-8c27-9b6a1d2e3f40"
OTHER_MEMORY_ID: Final = "7c1a2b3d-4e5f-4a6b-9c8d-0e1f2a3b4c5d"
FILE_ID: Final = "8e2b1c7a-3f4d-4b5e-a6c9-1d2e3f4a5b6c"
PATTERN_ID: Final = "c4d5e6f7-0a1b-5c2d-8e3f-4a5b6c7d8e9f"
USER_ID: Final = "1f2e3d4c-5b6a-4978-8a6b-5c4d3e2f1a0b"
KEY_ID: Final = "9a8b7c6d-5e4f-4a3b-8c2d-1e0f9a8b7c6d"
OPERATION_ID: Final = "2b3c4d5e-6f70-4182-93a4-b5c6d7e8f901"
DELETION_ID: Final = "3c4d5e6f-7081-4293-a4b5-c6d7e8f90123"
WORKSPACE: Final = "team:6f7a8b9c-0d1e-4f2a-8b3c-4d5e6f7a8b9c"
TRACE_ID: Final = "0af7651916cd43dd8448eb211c80319c"
SESSION: Final = "5a1f0c9e"
CHUNK: Final = "5a1f0c9e:0"
PROJECT: Final = "engine"
FILE: Final = "engine/parser.py"
QUEUE: Final = "memory_ingestion"
FINGERPRINT: Final = "8c57b24626b2ac97"
SNAPSHOT: Final = "1029:1031:1029"
EARLIER: Final = "2026-01-31T09:30:00Z"
LATER: Final = "2026-01-31T09:30:04Z"
DAY: Final = "2026-01-31"
QUESTION: Final = "Why does the parser fail on empty input?"
JOB_CURSOR: Final = f"2026-01-31T09:30:00+00:00_{JOB_ID}"


def shown(*examples: Example) -> ConfigDict:
    """Return a model's configuration with its examples, the usual one first."""
    return ConfigDict(json_schema_extra={"examples": [*examples]})


def examples_of(model: type[BaseModel]) -> list[JsonValue]:
    """Return what `shown` was given for a model."""
    extra: Any = model.model_config.get("json_schema_extra")
    return extra["examples"] if extra else []


def a_file(media_type: str, example: JsonValue) -> dict[int | str, dict[str, Any]]:
    """Return the description of an answer that is no model of ours."""
    content = {media_type: {"schema": {}, "example": example}}
    return {200: {"description": "All of it, as it is", "content": content}}
