"""The innermost step around a handler: what is wrong with a message, what the handler says."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

from faststream._internal.endpoint.call_wrapper import HandlerCallWrapper
from pydantic import ValidationError

from faststream_pgmq.errors import (
    BatchError,
    InvalidBatchError,
    InvalidMessageError,
    UnprintableError,
)
from faststream_pgmq.outbox import OUTBOX
from faststream_pgmq.parser import undecodable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType, TracebackType

    from faststream.message import StreamMessage
    from pydantic_core import ErrorDetails

_VALIDATOR: Final = "fast_depends.pydantic.serializer"


class PgmqHandler(HandlerCallWrapper[..., Any]):
    """A handler whose errors tell a bad message from a failure.

    It stands inside all middlewares, so that no log and no span sees a message's content in the
    text of a validation error.
    """

    async def call_wrapped(self, message: StreamMessage[Any]) -> Any:
        is_batch = isinstance(message.raw_message, tuple)
        try:
            await message.decode()
        except InvalidMessageError:
            raise
        except Exception as error:  # noqa: BLE001 - a custom decoder raises anything
            raise undecodable(error) from None
        try:
            return await super().call_wrapped(message)
        except ValidationError as error:
            if _is_of_handler(error, self._declared_call):
                raise
            raise invalid_message(error, is_batch=is_batch) from None
        except BatchError as error:
            return _take_down(error)
        except Exception as error:
            if (printable := _printable(error)) is error:
                raise
            raise printable from None


def _printable(error: Exception) -> Exception:
    # Middlewares print what they catch: what cannot be printed would hide behind their own failure.
    try:
        str(error)
    except Exception:  # noqa: BLE001 - any code may stand in an error's __str__
        return UnprintableError(type(error).__name__).with_traceback(error.__traceback__)
    return error


def _take_down(error: BatchError) -> Any:
    # Returned, not raised: so the replies of the others go the normal way, through publishers.
    outbox = OUTBOX.get()
    if outbox is None or not all(0 <= index < len(outbox.deliveries) for index in error.errors):
        raise error
    outbox.errors = dict(error.errors)
    return error.replies or None


def _is_of_handler(error: ValidationError, call: Any) -> bool:
    """Return whether the handler, a dependency or what it returned raised this."""
    target = inspect.unwrap(call)
    code = getattr(target, "__code__", None) or getattr(type(target).__call__, "__code__", None)
    frames = _frames(error.__traceback__)
    while frames and str(frames[-1].f_globals.get("__name__")).startswith("pydantic"):
        frames.pop()
    innermost = frames[-1]
    return (
        innermost.f_globals.get("__name__") != _VALIDATOR
        or innermost.f_code.co_name != "__call__"
        or any(frame.f_code is code for frame in frames)
    )


def _frames(traceback: TracebackType | None) -> list[FrameType]:
    frames: list[FrameType] = []
    while traceback is not None:
        frames.append(traceback.tb_frame)
        traceback = traceback.tb_next
    return frames


def invalid_message(error: ValidationError, *, is_batch: bool) -> InvalidMessageError:
    """Return the error with fields instead of values: `metadata.size: Input should be …`."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    by_index = problems_by_index(problems) if is_batch else None
    if by_index is None:
        return InvalidMessageError(explain_problems(problems, 1))
    return InvalidBatchError(
        {index: InvalidMessageError(explain_problems(some, 2)) for index, some in by_index.items()}
    )


def problems_by_index(problems: Sequence[ErrorDetails]) -> dict[int, list[ErrorDetails]] | None:
    """Return what is wrong with which messages of a batch; None if it is wrong with all of it."""
    by_index: dict[int, list[ErrorDetails]] = {}
    for problem in problems:
        if (index := _index(problem)) is None:
            return None
        by_index.setdefault(index, []).append(problem)
    return by_index


def _index(problem: ErrorDetails) -> int | None:
    # loc is (parameter, index in the batch, field, …)
    location = problem["loc"]
    return location[1] if len(location) > 1 and isinstance(location[1], int) else None


def explain_problems(problems: Sequence[ErrorDetails], skip: int) -> str:
    """Return fields and what is wrong with them; `skip` parts of each location say nothing."""
    lines = [
        f"{'.'.join(map(str, problem['loc'][skip:])) or 'message'}: {problem['msg']}"
        for problem in problems[:8]
    ]
    return "; ".join(lines)
