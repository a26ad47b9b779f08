"""How OpenAPI shows the errors of a route. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from services.api import problem_kinds as kinds
from services.api.errors import Detail, write_problem
from services.api.problem_kinds import MEDIA_TYPE, Kind

SCHEMA: Final = {"$ref": "#/components/schemas/Problem"}
ASKED: Final = "/api/jobs/0a3b6c1e-7d52-4f6e-9b1c-2f8d4e5a6b7c"
"""A path for the examples."""
USUAL: Final = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
RARE: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_ERRORS: Final[dict[HTTPStatus, str]] = {
    HTTPStatus.BAD_REQUEST: "the request is not as documented",
    HTTPStatus.UNAUTHORIZED: "a valid API key is needed: Authorization: Bearer <key>",
    HTTPStatus.FORBIDDEN: "workspaceId: not the workspace of this API key",
    HTTPStatus.NOT_FOUND: "no such job",
    HTTPStatus.CONFLICT: "expectedCount: 411 dead letters match, not 412; preview again",
    HTTPStatus.TOO_MANY_REQUESTS: "this API key may make 6000 requests a minute",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "the body is larger than 16777216 bytes",
    HTTPStatus.SERVICE_UNAVAILABLE: "Postgres does not answer; try again",
}
_DETAILS: Final = {
    HTTPStatus.BAD_REQUEST: [Detail(field="chunks", reason="Field required")],
}


def problems(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """Return the description of a route's errors, those that any route with a key has included."""
    described: dict[int | str, dict[str, Any]] = {
        status.value: describe_problem(
            status.phrase,
            kinds.of_status(status),
            _ERRORS[status],
            _DETAILS.get(status, ()),
        )
        for status in (*USUAL, *statuses, *RARE)
    }
    # Else FastAPI would announce its own 422, which is never sent.
    other = describe_problem("Any other error", kinds.INTERNAL, "internal error; it was logged")
    return described | {"default": other}


def describe_problem(
    description: str, kind: Kind, error: str, details: Sequence[Detail] = ()
) -> dict[str, Any]:
    """Return the description of one error, with an example."""
    content = {"schema": SCHEMA, "example": write_problem(kind, error, details, ASKED)}
    return {"description": description, "content": {MEDIA_TYPE: content}}
