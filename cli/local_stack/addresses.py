"""How to reach the stack's servers: its own, or those that the environment points at. Pure."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from cli.local_stack.errors import StackError
from cli.local_stack.ports import LOOPBACK
from cli.local_stack.state import StackState

POSTGRES_DSN = "SUPASTATE_POSTGRES_DSN"
NEO4J_URI = "SUPASTATE_NEO4J_URI"
NEO4J_USER = "SUPASTATE_NEO4J_USER"
NEO4J_PASSWORD = "SUPASTATE_NEO4J_PASSWORD"  # noqa: S105 - the variable's name

SUPERUSER = "postgres"
DATABASE = "supastate"
GRAPH_USER = "neo4j"


def postgres_dsn(port: int, password: str) -> str:
    return f"postgresql://{SUPERUSER}:{password}@{LOOPBACK}:{port}/{DATABASE}"


def neo4j_uri(port: int) -> str:
    return f"bolt://{LOOPBACK}:{port}"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Settings of clients; what is unknown (never started) is left out."""

    state: StackState
    environment: Mapping[str, str]

    @classmethod
    def find(cls, state: StackState) -> "Addresses":
        return cls(state, os.environ)

    @property
    def external_postgres(self) -> dict[str, str]:
        """The server that the environment points at, unless it is this stack's own.

        A shell that evaluated `supastate local env` points at this very stack: the generated
        password tells, whatever the port was at that time.
        """
        dsn = self.environment.get(POSTGRES_DSN, "")
        own = self.state.passwords.get("postgres")
        return {} if not dsn or (own and own in dsn) else {POSTGRES_DSN: dsn}

    @property
    def external_neo4j(self) -> dict[str, str]:
        """As `external_postgres`.

        Raises:
            StackError: the address is set without a password.
        """
        uri = self.environment.get(NEO4J_URI, "")
        password = self.environment.get(NEO4J_PASSWORD, "")
        if not uri or (password and password == self.state.passwords.get("neo4j")):
            return {}
        if not password:
            raise StackError(
                f"{NEO4J_URI} points at a server, but {NEO4J_PASSWORD} is not set",
                next_step=f"Set {NEO4J_PASSWORD} (and {NEO4J_USER}), or unset {NEO4J_URI} to "
                "have Neo4j started here.",
            )
        user = self.environment.get(NEO4J_USER) or GRAPH_USER
        return {NEO4J_URI: uri, NEO4J_USER: user, NEO4J_PASSWORD: password}

    def settings(self) -> dict[str, str]:
        """Return the settings as environment variables."""
        return {
            **(self.external_postgres or self._own_postgres()),
            **(self.external_neo4j or self._own_neo4j()),
            **self._api(),
        }

    def external_url(self, name: str) -> str | None:
        """Return where an external server is, without its password; None for our own parts."""
        if name == "postgres" and self.external_postgres:
            return without_password(self.external_postgres[POSTGRES_DSN])
        if name == "neo4j" and self.external_neo4j:
            return without_password(self.external_neo4j[NEO4J_URI])
        return None

    def url(self, name: str, port: int) -> str:
        """Return where one of our own parts is, without its password."""
        scheme = {"postgres": "postgresql", "neo4j": "bolt"}.get(name, "http")
        return f"{scheme}://{LOOPBACK}:{port}"

    def _own_postgres(self) -> dict[str, str]:
        port, password = self._port_and_password("postgres")
        return {POSTGRES_DSN: postgres_dsn(port, password)} if port and password else {}

    def _own_neo4j(self) -> dict[str, str]:
        port, password = self._port_and_password("neo4j")
        if not port or not password:
            return {}
        return {NEO4J_URI: neo4j_uri(port), NEO4J_USER: GRAPH_USER, NEO4J_PASSWORD: password}

    def _port_and_password(self, name: str) -> tuple[int | None, str | None]:
        return self.state.ports.get(name), self.state.passwords.get(name)

    def _api(self) -> dict[str, str]:
        settings: dict[str, str] = {}
        if port := self.state.ports.get("api"):
            settings["SUPASTATE_API_URL"] = f"http://{LOOPBACK}:{port}"
        if account := self.state.account:
            settings["SUPASTATE_API_KEY"] = account.api_key
            settings["SUPASTATE_WORKSPACE_ID"] = account.workspace_id
        return settings


def without_password(address: str) -> str:
    """Return the address as it may be shown; a DSN of `name=value` pairs is not shown at all."""
    parts = urlsplit(address)
    if not parts.scheme or not parts.netloc:
        return "(as set)"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
