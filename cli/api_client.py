"""Speaks with Supastate's API over HTTP, and tries again where that can help."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self, cast

import httpx
from pydantic import BaseModel, JsonValue, ValidationError

from cli.connection import ApiAddress
from cli.errors import START_STACK, CommandError

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
DETAILS_SHOWN: Final = 3
STREAM_QUIET_SECONDS: Final = 40.0
"""The API says something every 15 s, if only that it is there."""
Params = Mapping[str, str | int | float | Sequence[str] | None]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a request is tried again while the API is busy or away."""

    total_seconds: float = 0.0
    first_pause_seconds: float = 0.2
    longest_pause_seconds: float = 10.0


IMPATIENT: Final = Patience()
"""Somebody waits for the answer."""
PATIENT: Final = Patience(total_seconds=120.0)
"""Long enough for a service that is started again, or a busy minute."""


class Detail(BaseModel):
    """What is wrong with one field."""

    field: str
    reason: str


class Problem(BaseModel):
    """The body of every error of the API."""

    error: str
    details: list[Detail] | None = None


class ApiUnreachableError(CommandError):
    """Nothing answers at the API's address, or not in time."""


class ApiRefusedError(CommandError):
    """The API answered that it will not do it; the same request will not help."""

    def __init__(
        self, status: int, reason: str, details: Sequence[Detail] = (), *, next_step: str = ""
    ) -> None:
        shown = "".join(f"; {detail.field}: {detail.reason}" for detail in details[:DETAILS_SHOWN])
        super().__init__(f"the API answered {status}: {reason}{shown}", next_step=next_step)
        self.status = status
        self.reason = reason
        self.details = details


class ApiClient:
    """One connection to the API; a context manager."""

    def __init__(self, address: ApiAddress, patience: Patience = IMPATIENT) -> None:
        self._address = address
        self._patience = patience
        self._http = httpx.Client(
            base_url=address.url,
            headers={"Authorization": f"Bearer {address.key}"},
            timeout=httpx.Timeout(60.0, connect=5.0),
            # A proxy of the environment never leads to a server on loopback.
            trust_env=httpx.URL(address.url).host not in LOOPBACK,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.close()

    def get(self, path: str, params: Params | None = None) -> JsonValue:
        """Return the answer's JSON.

        Raises:
            ApiUnreachableError, ApiRefusedError
        """
        given = {name: value for name, value in (params or {}).items() if value is not None}
        return self._send(self._http.build_request("GET", path, params=given), self._patience)

    def post(
        self, path: str, body: JsonValue, headers: Mapping[str, str] | None = None
    ) -> JsonValue:
        """Return the answer's JSON. The request may be sent twice: the API replaces, or it goes by
        its header `Idempotency-Key`.

        Raises:
            ApiUnreachableError, ApiRefusedError
        """
        # Escaped to ASCII, so that no character of the input can break the request.
        content = json.dumps(body).encode("ascii")
        request = self._http.build_request(
            "POST",
            path,
            content=content,
            headers={"Content-Type": "application/json", **(headers or {})},
        )
        return self._send(request, self._patience)

    def delete(self, path: str) -> JsonValue:
        """Return the answer's JSON. `path` must be quoted.

        Raises:
            ApiUnreachableError, ApiRefusedError
        """
        # Sent once: a second attempt would not find what the first one deleted.
        return self._send(self._http.build_request("DELETE", path), IMPATIENT)

    def delete_with(self, path: str, body: JsonValue) -> JsonValue:
        """Return the answer's JSON to a deletion that says in a body what goes.

        Raises:
            ApiUnreachableError, ApiRefusedError
        """
        content = json.dumps(body).encode("ascii")
        request = self._http.build_request(
            "DELETE", path, content=content, headers={"Content-Type": "application/json"}
        )
        return self._send(request, IMPATIENT)

    def download(self, path: str, params: Params) -> Iterator[bytes]:
        """Yield the answer piece by piece.

        Raises:
            ApiUnreachableError, ApiRefusedError
        """
        given = {name: value for name, value in params.items() if value is not None}
        try:
            with self._http.stream("GET", path, params=given) as answer:
                if not answer.is_success:
                    answer.read()
                    raise _refusal(answer)
                yield from answer.iter_bytes()
        except httpx.TransportError as error:
            raise self._unreachable(str(error) or type(error).__name__) from error

    def stream(self, path: str) -> Iterator[tuple[str, JsonValue]]:
        """Yield the name and the data of each server-sent event, until the API ends the stream.

        Raises:
            ApiUnreachableError: the connection broke; ApiRefusedError
        """
        quiet = httpx.Timeout(STREAM_QUIET_SECONDS, connect=5.0)
        try:
            with self._http.stream("GET", path, timeout=quiet) as answer:
                if not answer.is_success:
                    answer.read()
                    raise _refusal(answer)
                yield from _read_events(answer.iter_lines())
        except httpx.TransportError as error:
            raise self._unreachable(str(error) or type(error).__name__) from error

    def check(self) -> None:
        """Return when the API answers and knows the key; does not wait for either.

        Raises:
            ApiUnreachableError, ApiRefusedError
        """
        try:
            self._send(self._http.build_request("GET", "/api/jobs"), IMPATIENT)
        except ApiRefusedError as error:
            if error.status != HTTPStatus.FORBIDDEN:  # known, but only for sending
                raise

    def _send(self, request: httpx.Request, patience: Patience) -> JsonValue:
        deadline = time.monotonic() + patience.total_seconds
        pause = patience.first_pause_seconds
        while True:
            answer, problem = self._try(request)
            if answer is not None and not _may_help_later(answer):
                return _read(answer)
            wait = max(pause * random.uniform(0.5, 1.0), _wanted_pause(answer))  # noqa: S311
            if time.monotonic() + wait > deadline:
                raise self._give_up(answer, problem)
            time.sleep(wait)
            pause = min(pause * 2, patience.longest_pause_seconds)

    def _try(self, request: httpx.Request) -> tuple[httpx.Response | None, str]:
        try:
            return self._http.send(request), ""
        except httpx.TransportError as error:
            return None, str(error) or type(error).__name__

    def _give_up(self, answer: httpx.Response | None, problem: str) -> CommandError:
        if answer is not None:
            return _refusal(answer)
        return self._unreachable(problem)

    def _unreachable(self, problem: str) -> ApiUnreachableError:
        return ApiUnreachableError(
            f"the API does not answer at {self._address.url}: {problem}",
            next_step=f"{START_STACK}; `supastate local status` shows what runs.",
        )


def _read_events(lines: Iterable[str]) -> Iterator[tuple[str, JsonValue]]:
    name = ""
    for line in lines:
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, cast(JsonValue, json.loads(value))


def _may_help_later(answer: httpx.Response) -> bool:
    return answer.status_code == HTTPStatus.TOO_MANY_REQUESTS or answer.is_server_error


def _wanted_pause(answer: httpx.Response | None) -> float:
    wanted = "" if answer is None else answer.headers.get("Retry-After", "")
    return float(wanted) if wanted.isdecimal() else 0.0


def _read(answer: httpx.Response) -> JsonValue:
    if not answer.is_success:
        raise _refusal(answer)
    if answer.status_code == HTTPStatus.NO_CONTENT:
        return None
    try:
        return cast(JsonValue, answer.json())
    except ValueError as error:
        raise ApiRefusedError(
            answer.status_code,
            "not JSON",
            next_step="Something else than Supastate's API listens at this address.",
        ) from error


def _refusal(answer: httpx.Response) -> ApiRefusedError:
    step = ""
    if answer.status_code == HTTPStatus.UNAUTHORIZED:
        step = "Set SUPASTATE_API_KEY to a valid key; `supastate keys create` makes one."
    try:
        problem = Problem.model_validate_json(answer.content)
    except ValidationError:
        problem = Problem(error=answer.reason_phrase)
    return ApiRefusedError(answer.status_code, problem.error, problem.details or [], next_step=step)
