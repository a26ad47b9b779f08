"""Queues in memory, for `TestPgmqBroker`. They pass the tests that Postgres passes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from faststream._internal._compat import json_loads

from faststream_pgmq.delivery import (
    DEAD_LETTER,
    DEDUP_KEY,
    Claimed,
    Delivery,
    merge_into,
)
from faststream_pgmq.pausing import PausedQueue
from faststream_pgmq.queries import encode_headers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from psycopg import AsyncConnection

    from faststream_pgmq.delivery import Dead, Deferred, Outgoing, Settlement
    from faststream_pgmq.retention import Retention


@dataclass(slots=True)
class StoredMessage:
    """One row of a queue."""

    msg_id: int
    text: str
    headers: dict[str, Any]
    enqueued_at: datetime
    vt: datetime
    read_ct: int = 0
    archived_at: datetime | None = None

    @property
    def body(self) -> Any:
        """The message as SQL would see it."""
        return json_loads(self.text)


@dataclass(slots=True)
class StoredQueue:
    """One queue with its archive; its dead letters are a queue of their own."""

    messages: dict[int, StoredMessage] = field(default_factory=dict[int, StoredMessage])
    archive: list[StoredMessage] = field(default_factory=list[StoredMessage])
    last_id: int = 0


class MemoryQueues:
    """See `storage.Queues`; its clock moves only when told to."""

    def __init__(self) -> None:
        self._queues: dict[str, StoredQueue] = {}
        self._moved = timedelta()
        self._changed = asyncio.Event()
        self._paused: dict[str, PausedQueue] = {}
        self._on_pause: dict[str, list[Callable[[], None]]] = {}

    def __getitem__(self, queue: str) -> StoredQueue:
        return self._queues.setdefault(queue.lower(), StoredQueue())

    @property
    def place(self) -> str:
        return f"memory:{id(self)}"

    def now(self) -> datetime:
        return datetime.now(UTC) + self._moved

    def advance(self, seconds: float) -> None:
        """Move the clock forward: what was delayed becomes due."""
        self._moved += timedelta(seconds=seconds)

    async def check(self, queue: str) -> bool:
        return True

    def doorbell(self, queue: str, on_pause: Callable[[], None] | None = None) -> MemoryDoorbell:
        if on_pause is not None:
            self._on_pause.setdefault(queue.lower(), []).append(on_pause)
        return MemoryDoorbell(self._changed)

    async def pause(self, queue: str, reason: str) -> bool:
        name, former = queue.lower(), self._paused.get(queue.lower())
        since = self.now() if former is None else former.paused_at
        self._paused[name] = PausedQueue(name, reason, since, "")
        if former is None:
            for tell in self._on_pause.get(name, []):
                tell()
            self._ring()
        return former is None

    async def resume(self, queue: str) -> bool:
        was_paused = self._paused.pop(queue.lower(), None) is not None
        self._ring()
        return was_paused

    async def paused(self) -> list[PausedQueue]:
        return sorted(self._paused.values(), key=lambda one: one.paused_at)

    async def sweep(self, queue: str, retention: Retention) -> int:
        names = (queue, f"{queue}_dlq")
        done = (
            0 if retention.archive is None else self._purge(names, self.now() - retention.archive)
        )
        if retention.dead_letters is not None:
            letters, before = self[f"{queue}_dlq"].messages, self.now() - retention.dead_letters
            old = [row.msg_id for row in letters.values() if row.enqueued_at <= before]
            for msg_id in old:
                del letters[msg_id]
            done += len(old)
        return done

    def _purge(self, names: tuple[str, str], before: datetime) -> int:
        done = 0
        for archive in (self[name].archive for name in names):
            kept = [row for row in archive if row.archived_at is None or row.archived_at > before]
            done += len(archive) - len(kept)
            archive[:] = kept
        return done

    async def claim(self, queue: str, *, mark: int, limit: int, lease: float) -> Claimed:
        now = self.now()
        if (pause := self._paused.get(queue.lower())) is not None:
            return Claimed([], paused=pause.reason)
        rows = self[queue].messages.values()
        due = [row for row in rows if row.vt <= now and row.msg_id >= mark][:limit]
        for row in due:
            row.read_ct += 1
            row.vt = now + timedelta(seconds=lease)
        if due:
            return Claimed([_delivery(queue, row, now) for row in due])
        hidden = [(row.vt - now).total_seconds() for row in rows if row.vt > now]
        return Claimed([], next_due=min(hidden, default=None))

    async def extend(self, queue: str, deliveries: Sequence[Delivery], lease: float) -> set[int]:
        ours = [row for one in deliveries if (row := self._find(queue, one))]
        for row in ours:
            row.vt = self.now() + timedelta(seconds=lease)
        return {row.msg_id for row in ours}

    async def settle(self, queue: str, settlement: Settlement, *, archive: bool) -> set[int]:
        acked = {one.msg_id for one in settlement.acks if self._finish(queue, one, archive)}
        for destination, messages in settlement.outgoing(acked).items():
            await self.send(destination, messages)
        dead = sorted(settlement.dead, key=lambda one: one.delivery.msg_id)
        buried = {one.delivery.msg_id for one in dead if self._bury(queue, one)}
        deferred = {one.delivery.msg_id for one in settlement.deferred if self._defer(queue, one)}
        self._ring()
        return {one.msg_id for one in settlement.deliveries} - acked - buried - deferred

    async def send(
        self,
        queue: str,
        messages: Sequence[Outgoing],
        connection: AsyncConnection[Any] | None = None,
    ) -> list[int | None]:
        sent = [self._insert(queue, message) for message in messages]
        self._ring()
        return sent

    def _ring(self) -> None:
        self._changed.set()
        self._changed.clear()

    def _insert(self, queue: str, message: Outgoing) -> int | None:
        # Through JSON and back, as in the database: a handler must not share objects with a sender.
        headers = json_loads(encode_headers(message.headers))
        due = self.now() + timedelta(seconds=message.delay)
        if (waiting := self._find_waiting(queue, message.dedup_key)) is not None:
            merge_into(waiting.headers, headers)
            waiting.vt = min(waiting.vt, due)
            return None
        stored = self[queue]
        stored.last_id += 1
        row = StoredMessage(stored.last_id, message.text, headers, self.now(), due)
        stored.messages[row.msg_id] = row
        return row.msg_id

    def _find_waiting(self, queue: str, dedup_key: str | None) -> StoredMessage | None:
        for row in self[queue].messages.values():
            if dedup_key is not None and (row.read_ct, row.headers.get(DEDUP_KEY)) == (
                0,
                dedup_key,
            ):
                return row
        return None

    def _find(self, queue: str, delivery: Delivery) -> StoredMessage | None:
        row = self[queue].messages.get(delivery.msg_id)
        return row if row is not None and row.read_ct == delivery.read_ct else None

    def _finish(self, queue: str, delivery: Delivery, archive: bool) -> bool:
        if (row := self._find(queue, delivery)) is None:
            return False
        del self[queue].messages[row.msg_id]
        if archive:
            row.archived_at = self.now()
            self[queue].archive.append(row)
        return True

    def _defer(self, queue: str, deferred: Deferred) -> bool:
        if (row := self._find(queue, deferred.delivery)) is None:
            return False
        row.headers |= deferred.headers
        row.vt = self.now() + timedelta(seconds=deferred.delay)
        return True

    def _bury(self, queue: str, dead: Dead) -> bool:
        if (row := self._find(queue, dead.delivery)) is None:
            return False
        del self[queue].messages[row.msg_id]
        report = {
            **dead.report,
            "queue": queue,
            "msg_id": row.msg_id,
            "deliveries": row.read_ct,
            "enqueued_at": row.enqueued_at.isoformat(),
            "failed_at": self.now().isoformat(),
        }
        letters = self[f"{queue}_dlq"]
        letters.last_id += 1
        headers = {**row.headers, **dead.headers, DEAD_LETTER: report}
        letter = StoredMessage(letters.last_id, row.text, headers, self.now(), self.now())
        letters.messages[letter.msg_id] = letter
        return True


class MemoryDoorbell:
    """Sleeps until anything is sent to any queue."""

    def __init__(self, changed: asyncio.Event) -> None:
        self._changed = changed

    async def listen(self) -> None:
        """Pauses are always heard."""

    async def sleep(
        self, read: Callable[[], Awaitable[Claimed]], limit: float, *, paused: bool = False
    ) -> Claimed:
        claimed = await read()
        if not claimed.deliveries and (claimed.paused is not None) == paused:
            due = limit if claimed.next_due is None else min(limit, claimed.next_due)
            try:
                async with asyncio.timeout(due):
                    await self._changed.wait()
            except TimeoutError:
                pass
        return claimed

    async def close(self) -> None:
        """Nothing to close."""


def _delivery(queue: str, row: StoredMessage, now: datetime) -> Delivery:
    return Delivery(
        queue, row.msg_id, row.read_ct, row.enqueued_at, now, row.text, dict(row.headers)
    )
