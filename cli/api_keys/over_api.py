"""API keys over the API, for whoever has one with the scope admin."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from uuid import UUID

from pydantic import BaseModel, JsonValue, TypeAdapter

from cli.api_client import ApiClient, ApiRefusedError
from cli.api_keys.wanted import Key, NewKey, fail
from cli.connection import find_api
from cli.errors import CommandError, UsageError
from cli.paging import get_pages

WITH_ADMIN: Final = (
    "Use a key with the scope admin; whoever names SUPASTATE_POSTGRES_DSN makes one with "
    "`supastate keys create --scope admin`."
)
KEYS: Final = TypeAdapter(list[Key])


class Made(BaseModel):
    """A new key."""

    key: str


class Listed(BaseModel):
    """A page of keys; the caller's own makes that there is one."""

    keys: list[Key]


@dataclass(frozen=True, slots=True)
class KeysOverApi:
    """The keys of the workspace that the API's key opens."""

    workspace: str | None
    """What somebody named: it must be this one."""

    def create(self, wanted: NewKey) -> str:
        body: dict[str, JsonValue] = {
            "name": wanted.name,
            "userId": str(wanted.user_id) if wanted.user_id else None,
            "days": wanted.days,
            "requestsPerMinute": wanted.requests_per_minute,
        }
        if wanted.scopes:
            body["scopes"] = [str(scope) for scope in wanted.scopes]
        with self._asking() as client:
            return Made.model_validate(client.post("/api/keys", body)).key

    def rotate(self, key_id: UUID, *, grace_hours: int) -> str:
        with self._asking(key_id) as client:
            path = f"/api/keys/{key_id}/rotate"
            return Made.model_validate(client.post(path, {"graceHours": grace_hours})).key

    def find_all(self) -> list[Key]:
        with self._asking() as client:
            return _list(client)

    def revoke(self, key_id: UUID) -> None:
        with self._asking(key_id) as client:
            client.delete(f"/api/keys/{key_id}")

    @contextmanager
    def _asking(self, key_id: UUID | None = None) -> Generator[ApiClient]:
        try:
            with ApiClient(find_api()) as client:
                self._check_workspace(client)
                yield client
        except ApiRefusedError as error:
            if error.status == HTTPStatus.NOT_FOUND and key_id:
                fail(key_id)
            if error.status == HTTPStatus.FORBIDDEN:
                raise CommandError(error.problem, next_step=WITH_ADMIN) from error
            raise

    def _check_workspace(self, client: ApiClient) -> None:
        if self.workspace is None:
            return
        [newest] = Listed.model_validate(client.get("/api/keys", {"limit": 1})).keys
        if (own := newest.workspace_id) != self.workspace:
            raise UsageError(
                f"SUPASTATE_API_KEY is of {own}, not of {self.workspace}",
                next_step="Leave out --workspace and SUPASTATE_WORKSPACE_ID, or use another key.",
            )


def _list(client: ApiClient) -> list[Key]:
    return KEYS.validate_python(get_pages(client, "/api/keys", "keys"))
