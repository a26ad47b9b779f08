"""What a client is told when something is wrong: always `{error, details?}`."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Final, TypeAlias, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg import DataError, InterfaceError, OperationalError
from psycopg.errors import ProgramLimitExceeded, QueryCanceled
from pydantic import AfterValidator, BaseModel
from starlette.exceptions import HTTPException

from shared.domain.clean_text import clean_text
from shared.errors import (
    BeingDeletedError,
    ConflictError,
    DependencyDownError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    RateLimitedError,
    SupastateError,
    TooLargeError,
    UnauthorizedError,
)

RETRY_AFTER_SECONDS: Final = "5"
LONGEST_ECHO: Final = 600
log = logging.getLogger(__name__)


def _printable(text: str) -> str:
    return clean_text(text)[:LONGEST_ECHO]


Echo: TypeAlias = Annotated[str, AfterValidator(_printable)]
"""Text that came from the client: it may hold what JSON in UTF-8 cannot."""


class Detail(BaseModel):
    """What is wrong with one field."""

    field: Echo
    reason: Echo


class Problem(BaseModel):
    """The body of every error."""

    error: Echo
    details: list[Detail] | None = None


class AllRefusedError(SupastateError):
    """Not one item of a request could be accepted."""

    def __init__(self, refusals: Sequence[InvalidInputError]) -> None:
        super().__init__("nothing in this request can be accepted")
        self.refusals = refusals


def respond(
    status: HTTPStatus,
    error: str,
    details: Sequence[Detail] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return the answer."""
    problem = Problem(error=error, details=list(details) or None)
    return JSONResponse(problem.model_dump(exclude_none=True), status_code=status, headers=headers)


def describe(loc: Sequence[int | str], whole: str = "body") -> str:
    """Return a field's path as people write it: `chunks[3].content`; `whole` for no path."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc]
    return "".join(parts).lstrip(".") or whole


def reason_of(problem: Mapping[str, Any]) -> str:
    """Return what pydantic found, in words that tell a sender what to change."""
    if problem["type"] == "string_unicode":
        return "contains a lone surrogate"
    return str(problem["msg"])


def install_error_handlers(app: FastAPI) -> None:
    """Answer every error of `shared.errors`, of FastAPI and of Postgres."""
    handlers = {
        RequestValidationError: _invalid_request,
        AllRefusedError: _all_refused,
        InvalidInputError: _invalid_input,
        UnauthorizedError: _unauthorized,
        ForbiddenError: _forbidden,
        RateLimitedError: _too_many,
        NotFoundError: _not_found,
        BeingDeletedError: _being_deleted,
        ConflictError: _conflict,
        DependencyDownError: _dependency_down,
        QueryCanceled: _too_slow,  # an OperationalError, but about the question
        OperationalError: _postgres_down,
        InterfaceError: _postgres_down,
        DataError: _not_storable,
        ProgramLimitExceeded: _not_storable,  # an OperationalError, but about the value
        HTTPException: _http_error,
        Exception: _unexpected,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


async def _invalid_request(request: Request, error: Exception) -> JSONResponse:
    problems = cast(RequestValidationError, error).errors()
    details = [
        Detail(field=describe(problem["loc"][1:]), reason=reason_of(problem))
        for problem in problems[:100]
    ]
    return respond(HTTPStatus.BAD_REQUEST, "the request is not as documented", details)


async def _all_refused(request: Request, error: Exception) -> JSONResponse:
    refusals = cast(AllRefusedError, error).refusals
    details = [Detail(field=one.field, reason=one.reason) for one in refusals]
    too_large = all(isinstance(one, TooLargeError) for one in refusals)
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE if too_large else HTTPStatus.BAD_REQUEST
    return respond(status, str(error), details)


async def _invalid_input(request: Request, error: Exception) -> JSONResponse:
    return await _all_refused(request, AllRefusedError([cast(InvalidInputError, error)]))


async def _unauthorized(request: Request, error: Exception) -> JSONResponse:
    challenge = {"WWW-Authenticate": 'Bearer realm="supastate"'}
    return respond(HTTPStatus.UNAUTHORIZED, str(error), headers=challenge)


async def _forbidden(request: Request, error: Exception) -> JSONResponse:
    return respond(HTTPStatus.FORBIDDEN, str(error))


async def _too_many(request: Request, error: Exception) -> JSONResponse:
    wait = math.ceil(cast(RateLimitedError, error).wait_seconds)
    later = {"Retry-After": str(max(wait, 1))}
    return respond(HTTPStatus.TOO_MANY_REQUESTS, str(error), headers=later)


async def _not_found(request: Request, error: Exception) -> JSONResponse:
    return respond(HTTPStatus.NOT_FOUND, str(error))


async def _being_deleted(request: Request, error: Exception) -> JSONResponse:
    later = {"Retry-After": RETRY_AFTER_SECONDS}
    return respond(HTTPStatus.CONFLICT, str(error), headers=later)


async def _conflict(request: Request, error: Exception) -> JSONResponse:
    return respond(HTTPStatus.CONFLICT, str(error))


async def _dependency_down(request: Request, error: Exception) -> JSONResponse:
    log.warning("%s", error)
    dependency = cast(DependencyDownError, error).dependency
    return _try_later(f"{dependency} does not answer")


async def _postgres_down(request: Request, error: Exception) -> JSONResponse:
    log.warning("Postgres: %s", error)
    return _try_later("Postgres does not answer")


async def _too_slow(request: Request, error: Exception) -> JSONResponse:
    reason = "this took too long; ask for less: a shorter time, or more filters"
    return respond(HTTPStatus.SERVICE_UNAVAILABLE, reason)


def _try_later(reason: str) -> JSONResponse:
    later = {"Retry-After": RETRY_AFTER_SECONDS}
    return respond(HTTPStatus.SERVICE_UNAVAILABLE, f"{reason}; try again", headers=later)


async def _not_storable(request: Request, error: Exception) -> JSONResponse:
    # Postgres's message would quote the content.
    log.warning("Postgres refused a value: %s", type(error).__name__)
    return respond(HTTPStatus.BAD_REQUEST, "the request holds a value that cannot be stored")


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    known = cast(HTTPException, error)
    return respond(HTTPStatus(known.status_code), str(known.detail), headers=known.headers)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("unexpected error", exc_info=error)
    return respond(HTTPStatus.INTERNAL_SERVER_ERROR, "internal error; it was logged")
