"""What a client is told when something is wrong: problem details with `{error, details?}`."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Final, TypeAlias, cast
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg import DataError, InterfaceError, OperationalError
from psycopg.errors import ProgramLimitExceeded, QueryCanceled
from pydantic import AfterValidator, BaseModel, Field
from starlette.exceptions import HTTPException

from services.api import problem_kinds as kinds
from services.api.problem_kinds import Kind
from shared.domain.clean_text import clean_text
from shared.errors import (
    AnsweredBeforeError,
    BeingDeletedError,
    ConflictError,
    DependencyDownError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    NotMigratedError,
    RateLimitedError,
    SupastateError,
    TooLargeError,
    TooSlowError,
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
    """The body of every error: RFC 9457, and the two fields that old clients read."""

    error: Echo = Field(description="what is wrong, in words; the same as `detail`")
    details: list[Detail] | None = Field(default=None, description="what is wrong with each field")
    type: str = Field(description="the kind of problem; its address tells more")
    title: str = Field(description="what all problems of the kind have in common")
    status: int
    detail: Echo
    instance: str = Field(description="the path that was asked for")


class AllRefusedError(SupastateError):
    """Not one item of a request could be accepted."""

    def __init__(self, refusals: Sequence[InvalidInputError]) -> None:
        super().__init__("nothing in this request can be accepted")
        self.refusals = refusals


def write_problem(
    kind: Kind, error: str, details: Sequence[Detail], instance: str
) -> dict[str, Any]:
    """Return the body of an answer, as JSON's values."""
    problem = Problem(
        error=error,
        details=list(details) or None,
        type=kind.uri,
        title=kind.title,
        status=kind.status,
        detail=error,
        instance=instance,
    )
    return problem.model_dump(exclude_none=True)


def respond(
    request: Request,
    kind: Kind,
    error: str,
    details: Sequence[Detail] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return the answer."""
    path = quote(str(request.scope["path"])[:LONGEST_ECHO], errors="replace")
    return JSONResponse(
        write_problem(kind, error, details, path),
        status_code=kind.status,
        headers=headers,
        media_type=kinds.MEDIA_TYPE,
    )


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
        AnsweredBeforeError: _answered_before,
        DependencyDownError: _dependency_down,
        NotMigratedError: _not_migrated,
        TooSlowError: _too_slow,
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
    return respond(request, kinds.INVALID, "the request is not as documented", details)


async def _all_refused(request: Request, error: Exception) -> JSONResponse:
    refusals = cast(AllRefusedError, error).refusals
    details = [Detail(field=one.field, reason=one.reason) for one in refusals]
    too_large = all(isinstance(one, TooLargeError) for one in refusals)
    kind = kinds.TOO_LARGE if too_large else kinds.INVALID
    return respond(request, kind, str(error), details)


async def _invalid_input(request: Request, error: Exception) -> JSONResponse:
    return await _all_refused(request, AllRefusedError([cast(InvalidInputError, error)]))


async def _unauthorized(request: Request, error: Exception) -> JSONResponse:
    challenge = {"WWW-Authenticate": 'Bearer realm="supastate"'}
    return respond(request, kinds.UNAUTHORIZED, str(error), headers=challenge)


async def _forbidden(request: Request, error: Exception) -> JSONResponse:
    return respond(request, kinds.FORBIDDEN, str(error))


async def _too_many(request: Request, error: Exception) -> JSONResponse:
    wait = math.ceil(cast(RateLimitedError, error).wait_seconds)
    later = {"Retry-After": str(max(wait, 1))}
    return respond(request, kinds.RATE_LIMITED, str(error), headers=later)


async def _not_found(request: Request, error: Exception) -> JSONResponse:
    return respond(request, kinds.NOT_FOUND, str(error))


async def _being_deleted(request: Request, error: Exception) -> JSONResponse:
    later = {"Retry-After": RETRY_AFTER_SECONDS}
    return respond(request, kinds.BEING_DELETED, str(error), headers=later)


async def _conflict(request: Request, error: Exception) -> JSONResponse:
    return respond(request, kinds.CHANGED, str(error))


async def _answered_before(request: Request, error: Exception) -> JSONResponse:
    return respond(request, kinds.ANSWERED_BEFORE, str(error))


async def _dependency_down(request: Request, error: Exception) -> JSONResponse:
    log.warning("%s", error)
    dependency = cast(DependencyDownError, error).dependency
    return _try_later(request, f"{dependency} does not answer")


async def _not_migrated(request: Request, error: Exception) -> JSONResponse:
    log.error("%s", error)
    return respond(request, kinds.NOT_MIGRATED, str(error))


async def _postgres_down(request: Request, error: Exception) -> JSONResponse:
    log.warning("Postgres: %s", error)
    return _try_later(request, "Postgres does not answer")


async def _too_slow(request: Request, error: Exception) -> JSONResponse:
    log.warning("%s %s: too slow: %s", request.method, request.scope["path"], error)
    reason = "this took too long; ask for less, by a shorter time or more filters, or try later"
    return respond(request, kinds.TOO_SLOW, reason)


def _try_later(request: Request, reason: str) -> JSONResponse:
    later = {"Retry-After": RETRY_AFTER_SECONDS}
    return respond(request, kinds.UNAVAILABLE, f"{reason}; try again", headers=later)


async def _not_storable(request: Request, error: Exception) -> JSONResponse:
    # Postgres's message would quote the content.
    log.warning("Postgres refused a value: %s", type(error).__name__)
    return respond(request, kinds.INVALID, "the request holds a value that cannot be stored")


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    known = cast(HTTPException, error)
    kind = kinds.of_status(HTTPStatus(known.status_code))
    return respond(request, kind, str(known.detail), headers=known.headers)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("unexpected error", exc_info=error)
    return respond(request, kinds.INTERNAL, "internal error; it was logged")
