"""Sends a handler's result to the queue that a message's `reply_to` names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faststream._internal.endpoint.publisher.fake import FakePublisher

from faststream_pgmq.outbox import OUTBOX
from faststream_pgmq.response import PgmqPublishCommand

if TYPE_CHECKING:
    from faststream._internal.producer import ProducerProto
    from faststream.response import PublishCommand


class PgmqFakePublisher(FakePublisher):
    """The reply, too, is sent in the transaction that acknowledges."""

    def __init__(self, producer: ProducerProto[Any], queue: str) -> None:
        super().__init__(producer=producer)
        self.queue = queue

    def patch_command(self, cmd: PublishCommand) -> PgmqPublishCommand:
        command = PgmqPublishCommand.from_cmd(super().patch_command(cmd))
        command.destination = self.queue
        command.outbox = OUTBOX.get()
        return command
