"""Supastate's errors. The parent class says what to do; the broker and the API act on it.

    SupastateError
    ├── InvalidInputError         the sender must change something: 400, or a dead letter
    │   ├── TooLargeError         the same, over a documented limit: 413
    │   └── UnknownPatternTypeError
    ├── AccessError
    │   ├── UnauthorizedError     no valid key: 401
    │   └── ForbiddenError        a valid key, but not for this: 403
    ├── RateLimitedError          429, with when to try again
    ├── NotFoundError             404
    ├── BeingDeletedError         409: what it is about is being deleted
    ├── ConflictError             409: something changed since the sender looked
    ├── DeadLetterError           no retry can help: the message goes to its dead letter queue
    ├── DependencyDownError       stop fetching, probe, go on: no attempt is used up
    ├── TooSlowError              503: it costs more than whoever asks may wait for; of a message, a
    │                             failed attempt
    ├── NotMigratedError          503: somebody must run the migrations first
    └── SettingsError             the start stops; names the variable

Every other exception in a handler is retried with backoff. Pure.
"""

from __future__ import annotations


class SupastateError(Exception):
    """Parent of all errors that Supastate raises itself."""


class InvalidInputError(SupastateError):
    """A value that cannot be processed as it is; `field` is its path in the input."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class TooLargeError(InvalidInputError):
    """A value above a documented limit."""


class UnknownPatternTypeError(InvalidInputError):
    """A detection request names a detector that does not exist."""

    def __init__(self, pattern_type: str, *, known: frozenset[str]) -> None:
        super().__init__(
            "pattern_types", f"no detector {pattern_type!r}; known: {', '.join(sorted(known))}"
        )
        self.pattern_type = pattern_type
        self.known = known


class AccessError(SupastateError):
    """The caller may not do this."""


class UnauthorizedError(AccessError):
    """No API key, or one that is unknown or revoked."""


class ForbiddenError(AccessError):
    """A valid API key that does not reach this workspace."""


class RateLimitedError(SupastateError):
    """An API key asked more than it may."""

    def __init__(self, requests_per_minute: int, wait_seconds: float) -> None:
        super().__init__(f"this API key may make {requests_per_minute} requests a minute")
        self.requests_per_minute = requests_per_minute
        self.wait_seconds = max(wait_seconds, 0.0)


class NotFoundError(SupastateError):
    """Nothing with this id in the caller's workspace."""


class BeingDeletedError(SupastateError):
    """What is sent belongs to what is being deleted; it can be sent again afterwards."""


class ConflictError(SupastateError):
    """What is asked for is not what it was when the sender looked at it."""


class AnsweredBeforeError(SupastateError):
    """What is asked for was done before, and its answer, which holds a secret, is kept nowhere."""


class DeadLetterError(SupastateError):
    """No retry can help: the broker moves the message to its dead letter queue."""


class DependencyDownError(SupastateError):
    """A server that every message needs does not answer; work waits until it does."""

    def __init__(self, dependency: str, reason: str) -> None:
        super().__init__(f"{dependency} does not answer: {reason}")
        self.dependency = dependency


class TooSlowError(SupastateError):
    """A server ended a statement that took longer than it may."""

    def __init__(self, dependency: str, seconds: float) -> None:
        super().__init__(f"{dependency} was not done after {seconds:g} s; ask for less, or later")


class NotMigratedError(SupastateError):
    """The graph lacks what a migration makes; `index` is its name."""

    def __init__(self, index: str) -> None:
        super().__init__(f"the graph has no index {index!r} yet; run `supastate migrate`")
        self.index = index


class SettingsError(SupastateError):
    """A missing or wrong setting; the message names the environment variable."""
