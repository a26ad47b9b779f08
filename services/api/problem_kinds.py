"""The kinds of problems that the API answers with, as RFC 9457 names them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

MEDIA_TYPE: Final = "application/problem+json"
PLACE: Final = "/problems"
NO_KIND: Final = "about:blank"
"""RFC 9457 for: no more than the status says."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: what all of it have in common, and what to do then."""

    name: str
    status: HTTPStatus
    title: str
    next_step: str

    @property
    def uri(self) -> str:
        """A reference that stays the same, and that the API answers."""
        return f"{PLACE}/{self.name}" if self.name else NO_KIND


INVALID: Final = Kind(
    "invalid-request",
    HTTPStatus.BAD_REQUEST,
    "The request cannot be taken as it is",
    "Change the fields that `details` names; /openapi.json describes each.",
)
UNAUTHORIZED: Final = Kind(
    "no-valid-key",
    HTTPStatus.UNAUTHORIZED,
    "No valid API key came with the request",
    "Send `Authorization: Bearer <key>`; `supastate keys create` makes a key.",
)
FORBIDDEN: Final = Kind(
    "not-allowed",
    HTTPStatus.FORBIDDEN,
    "This API key may not do this",
    "Take a key with the scope, or of the workspace, that `detail` names.",
)
NOT_FOUND: Final = Kind(
    "not-found",
    HTTPStatus.NOT_FOUND,
    "There is no such thing in the key's workspace",
    "Look at the list again: it may have been deleted, or be of another workspace.",
)
NO_SUCH_METHOD: Final = Kind(
    "no-such-method",
    HTTPStatus.METHOD_NOT_ALLOWED,
    "The path exists, but not with this method",
    "The header `Allow` names the methods.",
)
BEING_DELETED: Final = Kind(
    "being-deleted",
    HTTPStatus.CONFLICT,
    "What this belongs to is being deleted",
    "Send it again when the deletion is done; `Retry-After` says when to look.",
)
CHANGED: Final = Kind(
    "changed-meanwhile",
    HTTPStatus.CONFLICT,
    "It is not any more what the request takes it for",
    "Look at it again, then decide again.",
)
ANSWERED_BEFORE: Final = Kind(
    "answered-before",
    HTTPStatus.CONFLICT,
    "This was done before, and its answer can be given only once",
    "Nothing was done now. If the answer was lost, rotate or revoke the key that `detail` names.",
)
TOO_LARGE: Final = Kind(
    "too-large",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "The request holds more than a documented limit",
    "Send less at once.",
)
RATE_LIMITED: Final = Kind(
    "rate-limited",
    HTTPStatus.TOO_MANY_REQUESTS,
    "The API key asks more often than it may",
    "Wait as long as `Retry-After` says.",
)
INTERNAL: Final = Kind(
    "internal-error",
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "Supastate made a mistake",
    "Whoever runs this installation finds it in the API's log.",
)
UNAVAILABLE: Final = Kind(
    "unavailable",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "A server that is needed does not answer",
    "Try again after `Retry-After`; `supastate doctor` says what is wrong.",
)
TOO_SLOW: Final = Kind(
    "too-slow",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "The answer would have taken too long",
    "Ask for less, by a shorter time or more filters; or try again when less is going on.",
)
NOT_MIGRATED: Final = Kind(
    "not-migrated",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "The graph lacks an index that this needs",
    "Run `supastate migrate`, then try again.",
)
KINDS: Final = (
    INVALID,
    UNAUTHORIZED,
    FORBIDDEN,
    NOT_FOUND,
    NO_SUCH_METHOD,
    CHANGED,
    BEING_DELETED,
    ANSWERED_BEFORE,
    TOO_LARGE,
    RATE_LIMITED,
    INTERNAL,
    UNAVAILABLE,
    TOO_SLOW,
    NOT_MIGRATED,
)
BY_NAME: Final = {kind.name: kind for kind in KINDS}
BY_STATUS: Final = {kind.status: kind for kind in reversed(KINDS)}
"""The usual kind of each status: the first one above."""


def of_status(status: HTTPStatus) -> Kind:
    """Return the usual kind of a status; where there is none, what the status says."""
    return BY_STATUS.get(status) or Kind("", status, status.phrase, "")
