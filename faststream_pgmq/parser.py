"""Deliveries to FastStream messages, and their bodies to Python objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faststream.message import StreamMessage, decode_message

from faststream_pgmq.encoding import JSON, from_jsonb
from faststream_pgmq.errors import InvalidBatchError, InvalidMessageError
from faststream_pgmq.message import PgmqBatchMessage, PgmqMessage, Settler

if TYPE_CHECKING:
    from faststream_pgmq.delivery import Delivery


class PgmqParser:
    """Parses single deliveries."""

    def __init__(self, settler: Settler | None = None) -> None:
        self._settler = settler

    async def parse_message(self, message: Delivery) -> StreamMessage[Any]:
        body, content_type = from_jsonb(message.text, message.headers)
        parsed = PgmqMessage(
            raw_message=message,
            body=body,
            headers=message.headers,
            reply_to=text_header(message, "reply_to") or "",
            content_type=content_type,
            correlation_id=_correlation_id(message),
            message_id=str(message.msg_id),
        )
        parsed.settler = self._settler
        return parsed

    async def decode_message(self, msg: StreamMessage[Any]) -> Any:
        return decode_message(msg)


class PgmqBatchParser:
    """Parses all deliveries of one call."""

    def __init__(self, settler: Settler | None = None) -> None:
        self._settler = settler

    async def parse_batch(self, message: tuple[Delivery, ...]) -> StreamMessage[Any]:
        first = message[0]
        parsed = PgmqBatchMessage(
            raw_message=message,
            body=[_body(delivery) for delivery in message],
            headers=first.headers,
            batch_headers=[delivery.headers for delivery in message],
            content_type=JSON,
            correlation_id=_correlation_id(first),
            message_id=f"{first.msg_id}-{message[-1].msg_id}",
        )
        parsed.settler = self._settler
        return parsed

    async def decode_batch(self, msg: StreamMessage[Any]) -> list[Any]:
        """Return the bodies in order.

        Raises:
            InvalidBatchError: some cannot be decoded; says which.
        """
        bodies: list[Any] = []
        errors: dict[int, InvalidMessageError] = {}
        for index, delivery in enumerate(msg.raw_message):
            try:
                bodies.append(_decode(delivery))
            except (ValueError, RecursionError) as error:
                errors[index] = undecodable(error)
        if errors:
            raise InvalidBatchError(errors)
        return bodies


def _correlation_id(delivery: Delivery) -> str:
    # Of what plain SQL has sent: the same again when it is retried, and made without a system call.
    return text_header(delivery, "correlation_id") or f"{delivery.queue}-{delivery.msg_id}"


def _body(delivery: Delivery) -> bytes:
    # Whoever cannot read one of them is told when it is decoded: the others are read all the same.
    try:
        return from_jsonb(delivery.text, delivery.headers)[0]
    except InvalidMessageError:
        return delivery.text.encode()


def _decode(delivery: Delivery) -> Any:
    body, content_type = from_jsonb(delivery.text, delivery.headers)
    return decode_message(StreamMessage(delivery, body, content_type=content_type))


def undecodable(error: Exception) -> InvalidMessageError:
    """Return what to say of a body that is not what its headers promise; no content in it."""
    if isinstance(error, InvalidMessageError):
        return error
    return InvalidMessageError(f"message: cannot be decoded ({type(error).__name__})")


def text_header(delivery: Delivery, name: str) -> str | None:
    """Return a header if it is text; anybody may write anything into headers."""
    value = delivery.headers.get(name)
    return value if isinstance(value, str) and value else None
