"""What FastAPI must not do to a handler: show a message's content in errors, or flatten replies."""

from __future__ import annotations

import inspect
from functools import wraps
from typing import TYPE_CHECKING, Any, cast

from fastapi.exceptions import RequestValidationError
from faststream.response import Response

from faststream_pgmq.errors import InvalidBatchError, InvalidMessageError
from faststream_pgmq.handler import explain_problems, problems_by_index

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from faststream.message import StreamMessage
    from pydantic_core import ErrorDetails


class InvalidRequestError(InvalidMessageError, RequestValidationError):
    """A message that does not fit its endpoint: fields and reasons, never the content."""

    def __init__(self, problems: Sequence[ErrorDetails]) -> None:
        RequestValidationError.__init__(self, problems)
        self.args = (explain_problems(problems, 1),)

    def __str__(self) -> str:
        return str(self.args[0])


class InvalidRequestBatchError(InvalidBatchError, InvalidRequestError):
    """The same, for some messages of a batch."""

    def __init__(
        self, errors: Mapping[int, InvalidMessageError], problems: Sequence[ErrorDetails]
    ) -> None:
        InvalidRequestError.__init__(self, problems)
        self.errors = dict(errors)  # pyright: ignore[reportAttributeAccessIssue]


class Replies(Response):
    """Several responses, while FastAPI turns their bodies into JSON."""

    def __init__(self, responses: Sequence[Response]) -> None:
        super().__init__([one.body for one in responses])
        self.responses = responses

    def unfold(self) -> list[Response]:
        for response, body in zip(self.responses, self.body, strict=True):
            response.body = body
        return list(self.responses)


def keep_replies(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Return an endpoint whose list of responses is not taken for a list of plain objects."""
    if inspect.iscoroutinefunction(endpoint):

        @wraps(endpoint)
        async def call(*args: Any, **kwargs: Any) -> Any:
            return _fold(await endpoint(*args, **kwargs))

        return call

    @wraps(endpoint)
    def call_in_thread(*args: Any, **kwargs: Any) -> Any:
        return _fold(endpoint(*args, **kwargs))

    return call_in_thread


def _fold(returned: object) -> object:
    if isinstance(returned, list) and returned:
        items = cast("list[Any]", returned)
        if all(isinstance(item, Response) for item in items):
            return Replies(items)
    return cast("object", returned)


def handle(consume: Callable[[StreamMessage[Any]], Any]) -> Callable[[StreamMessage[Any]], Any]:
    """Return what FastStream calls for a message: FastAPI's endpoint, with our errors."""

    @wraps(consume)
    async def call(message: StreamMessage[Any]) -> Any:
        try:
            result = await consume(message)
        except InvalidMessageError:
            raise
        except RequestValidationError as error:
            is_batch = isinstance(message.raw_message, tuple)
            raise _translate(error, is_batch=is_batch) from None
        return result.unfold() if isinstance(result, Replies) else result

    return call


def _translate(error: RequestValidationError, *, is_batch: bool) -> InvalidRequestError:
    problems = [_without_content(problem) for problem in error.errors()]
    by_index = problems_by_index(problems) if is_batch else None
    if by_index is None:
        return InvalidRequestError(problems)
    errors = {
        index: InvalidMessageError(explain_problems(some, 2)) for index, some in by_index.items()
    }
    return InvalidRequestBatchError(errors, problems)


def _without_content(problem: Any) -> ErrorDetails:
    kept = {name: problem[name] for name in ("type", "loc", "msg")}
    return cast("ErrorDetails", cast("object", kept))
