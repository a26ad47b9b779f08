"""Watches jobs for all who look at them: one statement a second together, none for nobody."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from psycopg import Error
from psycopg_pool import PoolTimeout

from services.api.beside import beside
from services.api.job_answers import ENDED, JobState, describe_job
from services.api.live.hub import LiveHub
from services.api.live.subscription import Subscription
from shared.postgres.job_activity import count_changes
from shared.postgres.jobs import Job, Progress, count_messages
from shared.runtime import Pool
from shared.settings import Settings

POLL_SECONDS: Final = 1.0
QUIET_LOOKS: Final = 10
"""Looks at all jobs without a change after which only each `SELDOM`-th is made."""
SELDOM: Final = 3
JOBS: Final = "jobs"
PROGRESS: Final = "progress"
JOB_ENDED: Final = "ended"
POOL_SECONDS: Final = 2.0
log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Watched:
    """A job and what was last told of it."""

    job: Job
    told: str


class JobWatch:
    """Tells of watched jobs what changed, and of jobs altogether that something did."""

    def __init__(self, hub: LiveHub, pool: Pool, lease: timedelta) -> None:
        self._hub = hub
        self._pool = pool
        self._lease = lease
        self._watched: dict[UUID, _Watched] = {}
        self._changes = -1
        self._quiet_looks = 0

    def subscribe(
        self, job: Job, progress: Progress, topics: frozenset[str] = frozenset()
    ) -> Subscription:
        """Return a subscription that begins with how far the job is now."""
        state = describe_job(job, progress, self._lease)
        subscription = self._hub.subscribe({topic_of(job.id), *topics})
        for name in _names(state):
            subscription.offer(self._hub.event(name, _encode(state)))
        if state.state not in ENDED:
            # Who looks already is told by the next look what this one is told now.
            self._watched.setdefault(job.id, _Watched(job, _encode(state)))
        return subscription

    async def keep_watching(self) -> None:
        """Look once a second."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self.look()
            except (Error, PoolTimeout) as error:
                log.warning("cannot watch jobs: Postgres: %s", type(error).__name__)

    async def look(self) -> None:
        """Tell what changed since the last look."""
        self._forget_unwatched()
        is_listed = self._hub.readers(JOBS) > 0 and self._is_worth_a_look()
        if not (self._watched or is_listed):
            return
        async with self._pool.connection(timeout=POOL_SECONDS) as conn:
            if is_listed:
                self._tell_changes(await count_changes(conn))
            if self._watched:
                for progress in (await count_messages(conn, list(self._watched))).values():
                    self._tell_progress(progress)

    def _forget_unwatched(self) -> None:
        for job_id in list(self._watched):
            if not self._hub.readers(topic_of(job_id)):
                del self._watched[job_id]

    def _is_worth_a_look(self) -> bool:
        # Pages that are left open over night ask Postgres seldom; a change makes them quick again.
        self._quiet_looks += 1
        return self._quiet_looks <= QUIET_LOOKS or self._quiet_looks % SELDOM == 0

    def _tell_changes(self, changes: int) -> None:
        if changes != self._changes:
            self._changes = changes
            self._quiet_looks = 0
            self._hub.tell(JOBS)

    def _tell_progress(self, progress: Progress) -> None:
        watched = self._watched.get(progress.job_id)
        if watched is None:
            return
        state = describe_job(watched.job, progress, self._lease)
        if _encode(state) == watched.told:
            return
        watched.told = _encode(state)
        for name in _names(state):
            self._hub.send(topic_of(state.id), watched.told, name)
        if state.state in ENDED:
            del self._watched[state.id]


@asynccontextmanager
async def watching(hub: LiveHub, pool: Pool, settings: Settings) -> AsyncGenerator[JobWatch]:
    """Watch as long as this is open."""
    watch = JobWatch(hub, pool, timedelta(seconds=settings.visibility_timeout_seconds))
    async with beside(watch.keep_watching):
        yield watch


def topic_of(job_id: UUID) -> str:
    """Return the topic of one job."""
    return f"job:{job_id}"


def _names(state: JobState) -> tuple[str, ...]:
    return (PROGRESS, JOB_ENDED) if state.state in ENDED else (PROGRESS,)


def _encode(state: JobState) -> str:
    return state.model_dump_json(by_alias=True)
