"""The whole stack of one home folder: what the commands, the demo and the tests use."""

import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from cli.local_stack.account import ensure_account, migrate_graph, migrate_postgres
from cli.local_stack.addresses import (
    NEO4J_PASSWORD,
    NEO4J_URI,
    NEO4J_USER,
    POSTGRES_DSN,
    Addresses,
)
from cli.local_stack.errors import StackError
from cli.local_stack.home import find_home
from cli.local_stack.neo4j_server import Neo4jServer
from cli.local_stack.parts import Part, Reporter, SilentReporter
from cli.local_stack.postgres_server import PostgresServer
from cli.local_stack.processes import is_self, record_self, send_signal
from cli.local_stack.service_process import SERVICES, ServiceProcess
from cli.local_stack.side_by_side import StartCancelledError, Step, run_side_by_side
from cli.local_stack.starter import Starter
from cli.local_stack.state import StackState, StateFile
from cli.local_stack.status import PartStatus, ask_status


class LocalStack:
    """Postgres, Neo4j and the four services of one home folder.

    Every method blocks: call them from an ordinary function or fixture, or through
    `asyncio.to_thread`. Each is safe to repeat and may be called from another process than the
    one that started the stack: the truth lies in the home folder, and a lock there lets one
    command at a time start or stop. What is started outlives this process until `stop()`.
    """

    def __init__(self, home: Path | None = None, reporter: Reporter | None = None) -> None:
        self.home = find_home(home)
        self._state = StateFile(self.home.state_file)
        self._reporter = reporter or SilentReporter()
        self._starter = Starter(self.home, self._state, self._reporter)
        self._postgres = PostgresServer(self.home)
        self._servers: dict[str, PostgresServer | Neo4jServer] = {
            "postgres": self._postgres,
            "neo4j": Neo4jServer(self.home, self._file_fetched),
        }
        self._services = [ServiceProcess(name, self.home, self.settings) for name in SERVICES]

    def state(self) -> StackState:
        """Return what `stack.json` says now."""
        return self._state.read()

    def settings(self) -> dict[str, str]:
        """Return what clients and services need to know, as environment variables.

        Raises:
            StackError: nothing was ever started here, or SUPASTATE_NEO4J_URI lacks its password.
        """
        settings = Addresses.find(self.state()).settings()
        if not settings:
            raise StackError(
                f"no stack was ever started in {self.home.root}",
                next_step="Start one with: supastate local up --detach",
            )
        return {"SUPASTATE_HOME": str(self.home.root)} | settings

    def start_servers(self) -> bool:
        """Start Postgres and Neo4j side by side; return whether any had to be started."""
        with self.home.locked():
            return self._side_by_side([partial(self._start_own, name) for name in self._servers])

    def start(self) -> bool:
        """Start and migrate the servers, make the default key, start the services.

        Return whether anything had to be started.
        """
        with self.home.locked():
            started = self._side_by_side([self._bring_postgres, self._bring_neo4j])
            return self._side_by_side(self._each_service()) or started

    def start_service(self, name: str) -> bool:
        """Start one part by its name, also one that was killed."""
        with self.home.locked():
            return self._starter.start(self._get_part(name))

    def restart(self, name: str) -> None:
        """Start one part again, unless another command stopped the stack meanwhile."""
        with self.home.locked():
            if self.is_supervised_here():
                self._starter.start(self._get_part(name))

    def kill_service(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to one part and return at once.

        Raises:
            ProcessLookupError: it does not run.
        """
        record = self.state().processes.get(name)
        if record is None or not send_signal(record, number):
            raise ProcessLookupError(f"{name} does not run")

    def stop(self) -> None:
        """Stop the services, then the servers; only processes proved to be ours."""
        with self.home.locked():
            with self._state.change() as state:
                state.supervisor = None  # a supervisor that is not named restarts nothing
            for group in (self._services, list(self._servers.values())):
                self._side_by_side([partial(self._starter.stop, part) for part in group])

    def delete_data(self) -> None:
        """Stop and forget everything: databases, logs, passwords, the API key.

        As root, Postgres's data may lie outside the home folder: this finds it.
        """
        self.stop()
        with self.home.locked():
            self._postgres.delete()
            self.home.delete()

    def supervise(self) -> None:
        """Note that this process restarts what dies, until `stop()` takes that back."""
        with self._state.change() as state:
            state.supervisor = record_self(self.home.log("supervisor"))

    def is_supervised_here(self) -> bool:
        """Return whether `supervise()` of this process still holds."""
        return is_self(self.state().supervisor)

    def status(self) -> list[PartStatus]:
        """Return one line per part, asked now."""
        addresses = Addresses.find(self.state())
        return [ask_status(part, addresses) for part in self.parts()]

    def parts(self) -> Sequence[Part]:
        """Return the parts in the order in which they start."""
        return [*self._servers.values(), *self._services]

    def _bring_postgres(self) -> bool:
        started = self._start_own("postgres")
        dsn = self.settings()[POSTGRES_DSN]
        self._report("postgres", migrate_postgres(dsn))
        with self._state.change() as state:
            # A port may change without the database becoming another one.
            database = state.passwords.get("postgres") or dsn
            state.account = ensure_account(dsn, database, state.account)
        return started

    def _bring_neo4j(self) -> bool:
        started = self._start_own("neo4j")
        settings = self.settings()
        applied = migrate_graph(settings[NEO4J_URI], settings[NEO4J_USER], settings[NEO4J_PASSWORD])
        self._report("neo4j", applied)
        return started

    def _start_own(self, name: str) -> bool:
        if url := Addresses.find(self.state()).external_url(name):
            self._reporter.part_changed(name, f"external, {url}")
            return False
        server = self._servers[name]
        with self._state.change() as state:
            state.passwords[name] = server.password
        return self._starter.start(server)

    def _report(self, name: str, applied: Sequence[str]) -> None:
        if applied:
            self._reporter.part_changed(name, f"ready, {len(applied)} migrations applied")

    def _each_service(self) -> list[Step]:
        return [partial(self._starter.start, service) for service in self._services]

    def _side_by_side(self, steps: Sequence[Step]) -> bool:
        return run_side_by_side(steps, self._starter.cancelled)

    def _file_fetched(self, file: str, count: int) -> None:
        if self._starter.cancelled.is_set():
            raise StartCancelledError("neo4j")
        self._reporter.file_fetched(file, count)

    def _get_part(self, name: str) -> Part:
        return {part.name: part for part in self.parts()}[name]
