"""What a handler returns to be sent, and the command that all publishing goes through."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from faststream.response import BatchPublishCommand, PublishCommand, PublishType, Response

from faststream_pgmq.delivery import DEDUP_KEY, GROUP

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from faststream_pgmq.outbox import Outbox
    from faststream_pgmq.sending import CallersConnection

Delay: TypeAlias = "float | timedelta | None"

LONGEST_DELAY: Final = timedelta(days=36_525)
"""A century: beyond it a delay is a mistake of units, and soon out of Postgres's range."""


def due(delay: Delay, at: datetime | None) -> tuple[float | None, datetime | None]:
    """Return when a message is due: in so many seconds, or at a moment; both by the server's clock.

    Raises:
        ValueError: both are given, the delay is negative or absurd, or the moment has no time zone.
    """
    if at is None:
        return seconds(delay), None
    if delay is not None:
        raise ValueError("give delay or at, not both")
    if at.utcoffset() is None:
        raise ValueError(
            f"at must say its time zone, got {at!r}: datetime.now(UTC) does, and so does "
            "at.astimezone() for local time"
        )
    return None, at


def seconds(delay: Delay) -> float:
    """Return a delay in seconds.

    Raises:
        ValueError: it is negative, not finite or longer than a century.
    """
    value = delay.total_seconds() if isinstance(delay, timedelta) else float(delay or 0.0)
    if not math.isfinite(value) or not 0 <= value <= LONGEST_DELAY.total_seconds():
        raise ValueError(
            f"delay must not be negative nor beyond {LONGEST_DELAY.days} days, got {value} seconds"
        )
    return value


def with_routing(
    headers: Mapping[str, Any] | None, dedup_key: str | None, group: str | None
) -> dict[str, Any]:
    """Return the headers with those that the broker itself reads."""
    routing = {DEDUP_KEY: dedup_key, GROUP: group}
    return {**(headers or {}), **{name: value for name, value in routing.items() if value}}


class PgmqResponse(Response):
    """A message to send with the acknowledgement.

    Args:
        queue: where to; by default the queue of the handler's publisher.
        caused_by: indices of the batch's messages it descends from (default: all); they decide
            its trace, and it is sent if one of them is still ours.

    The other arguments are those of `PgmqBroker.publish`.
    """

    def __init__(
        self,
        body: Any,
        *,
        queue: str = "",
        headers: dict[str, Any] | None = None,
        correlation_id: str | None = None,
        delay: Delay = None,
        at: datetime | None = None,
        dedup_key: str | None = None,
        group: str | None = None,
        caused_by: Sequence[int] | None = None,
    ) -> None:
        super().__init__(
            body,
            headers=with_routing(headers, dedup_key, group),
            correlation_id=correlation_id,
        )
        self.queue = queue
        self.delay, self.at = due(delay, at)
        self.caused_by = None if caused_by is None else tuple(caused_by)

    def as_publish_command(self) -> PgmqPublishCommand:
        return PgmqPublishCommand(
            self.body,
            queue=self.queue,
            headers=dict(self.headers),
            correlation_id=self.correlation_id,
            delay=self.delay,
            at=self.at,
            caused_by=self.caused_by,
            _publish_type=PublishType.PUBLISH,
        )


class PgmqPublishCommand(BatchPublishCommand):
    """One message to send, or several to one queue."""

    def __init__(
        self,
        body: Any,
        /,
        *bodies: Any,
        queue: str = "",
        headers: dict[str, Any] | None = None,
        per_message_headers: Sequence[Mapping[str, Any]] = (),
        correlation_id: str | None = None,
        reply_to: str = "",
        delay: float | None = 0.0,
        at: datetime | None = None,
        caused_by: tuple[int, ...] | None = None,
        connection: CallersConnection | None = None,
        timeout: float | None = None,
        _publish_type: PublishType,
    ) -> None:
        super().__init__(
            body,
            *bodies,
            destination=queue,
            headers=headers,
            correlation_id=correlation_id,
            reply_to=reply_to,
            _publish_type=_publish_type,
        )
        self.per_message_headers: list[dict[str, Any]] = [dict(one) for one in per_message_headers]
        self.delay = delay
        self.at = at
        self.caused_by = caused_by
        self.connection = connection
        self.timeout = timeout
        """Seconds that a request waits for its answer; None is for ever."""
        self.outbox: Outbox | None = None
        """Set for a handler's replies: they wait here for the acknowledgement."""

    @property
    def all_bodies(self) -> tuple[Any, ...]:
        """The bodies in order; other than `batch_bodies`, a None is a message too."""
        return (self.body, *self.extra_bodies)

    @classmethod
    def from_cmd(cls, cmd: PublishCommand, *, batch: bool = False) -> PgmqPublishCommand:
        if isinstance(cmd, PgmqPublishCommand):
            return cmd
        body, extra = cls._parse_bodies(cmd.body, batch=batch)
        return cls(
            body,
            *extra,
            queue=cmd.destination,
            headers=cmd.headers,
            correlation_id=cmd.correlation_id,
            reply_to=cmd.reply_to,
            _publish_type=cmd.publish_type,
        )
