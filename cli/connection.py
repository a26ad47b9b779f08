"""Where the API and the servers are: the environment says it, else the local stack of this user."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cli.errors import START_STACK, CommandError, UsageError

if TYPE_CHECKING:
    from neo4j import AsyncDriver
    from psycopg import AsyncConnection
    from psycopg.rows import TupleRow

    from shared.settings import Settings

API_URL = "SUPASTATE_API_URL"
API_KEY = "SUPASTATE_API_KEY"
POSTGRES_DSN = "SUPASTATE_POSTGRES_DSN"
WORKSPACE_ID = "SUPASTATE_WORKSPACE_ID"
CONNECT_TIMEOUT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class ApiAddress:
    """Where the API is, and the key that opens a workspace there."""

    url: str
    key: str = field(repr=False)


def find_api() -> ApiAddress:
    """Return the API that the environment names, else the local stack's.

    Raises:
        UsageError: the environment names an API without a key; a local key is for no other.
        CommandError: there is neither.
    """
    if url := os.environ.get(API_URL):
        if key := _find_key(os.environ):
            return ApiAddress(url, key)
        raise UsageError(
            f"{API_URL} is set, {API_KEY} is not",
            next_step="Set it to a key of that API; `supastate keys create` makes one.",
        )
    names = _local_settings()
    if API_URL not in names or not (key := _find_key(os.environ) or _find_key(names)):
        raise CommandError(
            f"no API: {API_URL} is not set and no local stack runs",
            next_step=f"{START_STACK}, or set {API_URL} and {API_KEY}.",
        )
    return ApiAddress(names[API_URL], key)


def asks_api() -> bool:
    """Return whether the shell names an API with a key and no Postgres.

    What can be done both ways is then asked of the API; a local stack of this user is another one.
    """
    named = [os.environ.get(name) for name in (API_URL, API_KEY)]
    return all(named) and not os.environ.get(POSTGRES_DSN)


def _find_key(names: Mapping[str, str]) -> str:
    # A key copied from a file often ends in a line break, which no header may hold.
    key = names.get(API_KEY, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise UsageError(
            f"{API_KEY} holds characters that no key has",
            next_step="Copy it again, or make a new one with `supastate keys create`.",
        )
    return key


def find_settings() -> Settings:
    """Return where Postgres and Neo4j are; what the environment names counts first.

    Raises:
        CommandError: neither the environment nor a local stack names any server.
        SettingsError: a variable is missing or wrong.
    """
    from shared.errors import SettingsError
    from shared.settings import Settings

    for name, value in _local_settings().items():
        os.environ.setdefault(name, value)
    try:
        return Settings.load()
    except SettingsError as error:
        if POSTGRES_DSN in os.environ:
            raise
        raise CommandError(
            f"no servers: {POSTGRES_DSN} is not set and no local stack runs",
            next_step=f"{START_STACK}, or set the variables of .env.example.",
        ) from error


def find_workspace() -> str | None:
    """Return the workspace that the local stack made for its user."""
    return os.environ.get(WORKSPACE_ID) or _local_settings().get(WORKSPACE_ID)


def choose_workspace(named: str | None) -> str:
    """Return the workspace that was named, else the local stack's.

    Raises:
        UsageError: there is neither, or it is none.
    """
    from shared.messages import WORKSPACE_PATTERN

    chosen = named or find_workspace()
    if not chosen:
        raise UsageError(
            "which workspace?", next_step="Name it with --workspace team:<uuid> or user:<uuid>."
        )
    if not re.match(WORKSPACE_PATTERN, chosen):
        raise UsageError(
            f"{chosen!r} is no workspace", next_step="It looks like team:<uuid> or user:<uuid>."
        )
    return chosen


@asynccontextmanager
async def open_postgres(settings: Settings) -> AsyncGenerator[AsyncConnection[TupleRow]]:
    """Yield a connection in autocommit mode.

    Raises:
        DependencyDownError: Postgres does not answer.
    """
    from psycopg import AsyncConnection, OperationalError

    from shared.errors import DependencyDownError

    try:
        conn = await AsyncConnection.connect(
            settings.postgres_dsn.get_secret_value(),
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
        )
    except OperationalError as error:
        raise DependencyDownError("Postgres", " ".join(str(error).split())) from error
    async with conn:
        yield conn


@asynccontextmanager
async def open_neo4j(settings: Settings) -> AsyncGenerator[AsyncDriver]:
    """Yield a driver that has reached its server.

    Raises:
        DependencyDownError: Neo4j does not answer, or refuses the password.
    """
    from neo4j.exceptions import DriverError, Neo4jError

    from shared.errors import DependencyDownError
    from shared.graph.driver import open_driver

    async with open_driver(settings) as driver:
        try:
            await driver.verify_connectivity()  # pyright: ignore[reportUnknownMemberType]  # **config
        except (DriverError, Neo4jError) as error:
            raise DependencyDownError("Neo4j", str(error)) from error
        yield driver


def _local_settings() -> dict[str, str]:
    """Return the settings of the local stack; empty when there never was one here."""
    from cli.local_stack import LocalStack
    from cli.local_stack.home import find_home

    home = find_home()
    return LocalStack(home.root).settings() if home.state_file.exists() else {}
