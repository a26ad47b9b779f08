"""What is worth doing after entities were written: one request where many would say the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from faststream_pgmq import PgmqResponse
from shared.domain.entities import Entity, Memory
from shared.messages import (
    PATTERN_DETECTION,
    SUMMARY_GENERATION,
    DetectPatterns,
    RemoveEntities,
    SummarizeProject,
    detection_key,
)

SEEN_AT_ONCE: Final = 1_000
"""Entities that one detection looks at: seconds of work, and other workspaces wait no longer."""


def request_detections(changed: Mapping[int, Entity | RemoveEntities]) -> list[PgmqResponse]:
    """Return one request for each workspace; it waits in the queue at most once."""
    causes: defaultdict[str, list[int]] = defaultdict(list)
    for index, one in sorted(changed.items()):
        causes[one.workspace_id].append(index)
    return [
        PgmqResponse(
            DetectPatterns(workspace_id=workspace_id, limit=SEEN_AT_ONCE),
            queue=PATTERN_DETECTION,
            dedup_key=detection_key(workspace_id),
            group=workspace_id,
            caused_by=indices,
        )
        for workspace_id, indices in causes.items()
    ]


def request_summaries(written: Mapping[int, Entity]) -> list[PgmqResponse]:
    """Return one request for each project with new memories; it waits at most once."""
    causes: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for index, entity in written.items():
        if isinstance(entity, Memory) and entity.project_name:
            causes[entity.workspace_id, entity.project_name].append(index)
    return [
        PgmqResponse(
            SummarizeProject(workspace_id=workspace_id, project_name=project_name),
            queue=SUMMARY_GENERATION,
            dedup_key=f"summary:{workspace_id}:{project_name}",
            group=workspace_id,
            caused_by=indices,
        )
        for (workspace_id, project_name), indices in causes.items()
    ]
