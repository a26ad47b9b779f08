"""What a handler gets as `Context("message")`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from faststream.message import AckStatus, StreamMessage

from faststream_pgmq.delivery import Delivery

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class Settler(Protocol):
    """Ends deliveries by hand: what a subscriber lends to its messages."""

    async def ack_now(self, deliveries: Sequence[Delivery]) -> None: ...
    async def nack_now(self, deliveries: Sequence[Delivery], delay: float | None) -> None: ...
    async def reject_now(self, deliveries: Sequence[Delivery], reason: str) -> None: ...


class SettleableMessage(StreamMessage[Any]):
    """A message, or a batch of them, that a handler can end itself."""

    settler: Settler | None = None

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        raise NotImplementedError

    async def ack(self) -> None:
        """Acknowledge now, before the handler returns."""
        if self.committed is None:
            self.committed = AckStatus.ACKED
            if self.settler is not None:
                await self.settler.ack_now(self.deliveries)

    async def nack(self, delay: float | None = None) -> None:
        """Try again after `delay` seconds or the policy's backoff; counts as an attempt."""
        if self.committed is None:
            self.committed = AckStatus.NACKED
            if self.settler is not None:
                await self.settler.nack_now(self.deliveries, delay)

    async def reject(self, reason: str = "rejected by the handler") -> None:
        """Move to the dead letters now."""
        if self.committed is None:
            self.committed = AckStatus.REJECTED
            if self.settler is not None:
                await self.settler.reject_now(self.deliveries, reason)


class PgmqMessage(SettleableMessage):
    """One message."""

    raw_message: Delivery

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        return (self.raw_message,)

    @property
    def queue(self) -> str:
        return self.raw_message.queue

    @property
    def msg_id(self) -> int:
        return self.raw_message.msg_id

    @property
    def read_ct(self) -> int:
        """Deliveries so far, this one included."""
        return self.raw_message.read_ct

    @property
    def enqueued_at(self) -> datetime:
        return self.raw_message.enqueued_at

    @property
    def attempts(self) -> int:
        """Failures of the handler before this delivery."""
        return self.raw_message.attempts


class PgmqBatchMessage(SettleableMessage):
    """All messages of one call of a batch handler; `batch_headers` is in the same order."""

    raw_message: tuple[Delivery, ...]

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        return self.raw_message

    @property
    def queue(self) -> str:
        return self.raw_message[0].queue

    @property
    def msg_ids(self) -> list[int]:
        return [delivery.msg_id for delivery in self.raw_message]
