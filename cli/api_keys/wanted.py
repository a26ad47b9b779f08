"""What is asked about API keys, and what is answered, whoever keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn, Protocol
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from cli.errors import CommandError


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a key is for."""

    user_id: UUID | None
    name: str
    scopes: Sequence[str] | None
    days: int | None
    requests_per_minute: int | None


class Key(BaseModel):
    """A key without its secret, read from the API's answer or from a row."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, from_attributes=True, frozen=True
    )

    id: UUID
    workspace_id: str
    user_id: UUID
    name: str
    prefix: str
    scopes: list[str]
    requests_per_minute: int | None
    replaces: UUID | None
    state: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class Keys(Protocol):
    """The keys of one workspace."""

    def create(self, wanted: NewKey) -> str:
        """Return a new key."""
        ...

    def rotate(self, key_id: UUID, *, grace_hours: int) -> str:
        """Return a new key in place of another.

        Raises:
            CommandError: the workspace has no such valid key.
        """
        ...

    def find_all(self) -> list[Key]:
        """Return all, newest first."""
        ...

    def revoke(self, key_id: UUID) -> None:
        """Make a key useless.

        Raises:
            CommandError: the workspace has no such valid key.
        """
        ...


def fail(key_id: UUID) -> NoReturn:
    """Say that the workspace has no such valid key."""
    raise CommandError(
        f"no valid key {key_id} in this workspace",
        next_step="`supastate keys list` shows the keys and which are valid.",
    )
