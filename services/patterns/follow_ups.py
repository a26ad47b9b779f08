"""The request for what one run left: the same, behind those of other workspaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from faststream_pgmq import PgmqResponse
from shared.messages import JOB_ID_HEADER, DeleteData, DetectPatterns, detection_key

MOST: Final = 400
"""How much a run looks at that nobody asked for in smaller pieces."""


def request_the_rest(job: DetectPatterns, headers: Mapping[str, Any]) -> PgmqResponse:
    """Return the next request of the same job: the job ends when nothing is left.

    What nobody waits for merges into a request of its workspace that waits already, and is looked
    at in larger pieces the more there is: a topic is then described once for many memories.
    """
    job_id = headers.get(JOB_ID_HEADER)
    is_of_a_job = isinstance(job_id, str)
    more = max(min(2 * job.limit, MOST), job.limit)
    return PgmqResponse(
        job if is_of_a_job else job.model_copy(update={"limit": more}),
        headers={JOB_ID_HEADER: job_id} if is_of_a_job else None,
        group=job.workspace_id,
        dedup_key=None if is_of_a_job or job.pattern_types else detection_key(job.workspace_id),
    )


def request_the_next_pass(job: DeleteData, pause_seconds: float) -> PgmqResponse:
    """Return the request to go on with a deletion after a pause."""
    return PgmqResponse(job, delay=pause_seconds, group=job.workspace_id)
