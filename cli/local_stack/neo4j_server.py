"""This stack's Neo4j: the real Community server on a loopback port, run by a Java from a wheel."""

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from cli.local_stack.addresses import GRAPH_USER, neo4j_uri
from cli.local_stack.errors import PartFailedError
from cli.local_stack.home import StackHome
from cli.local_stack.jars import FileFetched, JarCache, find_user_cache, get_jars
from cli.local_stack.java import choose_flags, find_java, own_environment
from cli.local_stack.parts import read_or_make_password
from cli.local_stack.ports import LOOPBACK
from cli.local_stack.processes import Launch, StopPlan, find_processes, read_tail
from cli.local_stack.state import ProcessRecord

SERVER = "org.neo4j.server.Neo4jCommunity"
ADMIN = "org.neo4j.cli.AdminTool"

# What Neo4j's own start script passes to Java 25.
JAVA_FLAGS = (
    "--enable-native-access=ALL-UNNAMED",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
    # On few cores the collector that works beside all others costs more than its pauses.
    "-XX:+UseParallelGC",
    # Else an internal error soon has no message, which Bolt cannot send: its client waits forever.
    "-XX:-OmitStackTraceInFastThrow",
)

SETTINGS = """\
server.default_listen_address={loopback}
server.bolt.listen_address={loopback}:{port}
server.bolt.advertised_address={loopback}:{port}
server.http.enabled=false
server.https.enabled=false
dbms.usage_report.enabled=false
server.memory.heap.initial_size=512m
server.memory.heap.max_size=1g
server.memory.pagecache.size=256m
db.transaction.monitor.check.interval=500ms
internal.dbms.bolt.netty_server_shutdown_quiet_period_duration=0s
"""


class Neo4jServer:
    """The part named "neo4j"."""

    name = "neo4j"
    start_patience_seconds = 120.0
    stop_plan = StopPlan(((signal.SIGTERM, 60.0), (signal.SIGKILL, 10.0)))

    def __init__(self, home: StackHome, fetched: FileFetched) -> None:
        self._home = home
        self._fetched = fetched

    @property
    def password(self) -> str:
        return read_or_make_password(self._folder / "password", lambda: secrets.token_hex(24))

    def prepare(self) -> None:
        """Fetch the jars and set the first password, before the first start only."""
        self._write_arguments()
        if self._is_initialised.exists():
            return
        # Half a first start may have left data with another password, or none.
        shutil.rmtree(self._folder / "data", ignore_errors=True)
        self._set_first_password()
        self._is_initialised.touch()

    def launch(self, port: int) -> Launch:
        (self._folder / "conf").mkdir(exist_ok=True)
        settings = SETTINGS.format(loopback=LOOPBACK, port=port)
        (self._folder / "conf" / "neo4j.conf").write_text(settings)
        return Launch(
            argv=[*self._java(), SERVER, *self._folders()],
            cwd=self._folder,
            env=self._environment(),
        )

    def is_ready(self, port: int) -> bool:
        """Return whether our password opens the graph."""
        from neo4j import GraphDatabase
        from neo4j.exceptions import DriverError, Neo4jError

        if not _answers(port):
            return False
        auth = (GRAPH_USER, self.password)
        # The driver leaves its keyword arguments untyped.
        with GraphDatabase.driver(  # pyright: ignore[reportUnknownMemberType]
            neo4j_uri(port), auth=auth, connection_timeout=5.0
        ) as driver:
            try:
                driver.verify_connectivity()  # pyright: ignore[reportUnknownMemberType]
            except (DriverError, Neo4jError):
                return False
            return True

    def find_leftovers(self) -> list[ProcessRecord]:
        """Return the servers that were started with our argument file."""
        return find_processes(argument=f"@{self._arguments}")

    @property
    def _folder(self) -> Path:
        return self._home.neo4j

    @property
    def _arguments(self) -> Path:
        return self._folder / "java-arguments"

    @property
    def _is_initialised(self) -> Path:
        return self._folder / "initialised"

    def _write_arguments(self) -> None:
        """Write flags and class path to a file: 237 jars make a command line nobody can read."""
        jars = get_jars(JarCache(find_user_cache()), self._fetched)
        class_path = os.pathsep.join(map(str, jars))
        flags = [*JAVA_FLAGS, *choose_flags(find_java())]
        lines = [*flags, "-Xms512m", "-Xmx1g", "-cp", quote_argument(class_path)]
        self._arguments.write_text("\n".join(lines) + "\n")

    def _set_first_password(self) -> None:
        # In a file, not on the command line, where every account of the machine can read it.
        command = self._folder / "set-password"
        command.touch(mode=0o600)
        words = [ADMIN, "dbms", "set-initial-password", self.password]
        command.write_text("\n".join(map(quote_argument, words)) + "\n")
        log = self._home.log(self.name)
        try:
            with log.open("ab") as output:
                ended = subprocess.run(
                    [*self._java(), f"@{command}"],
                    cwd=self._folder,
                    env=self._environment(),
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    check=False,
                )
        finally:
            command.unlink()
        if ended.returncode != 0:
            raise PartFailedError(
                self.name, "could not set its first password", log=log, tail=read_tail(log)
            )

    def _java(self) -> Sequence[str]:
        return [str(find_java()), f"@{self._arguments}"]

    def _folders(self) -> Sequence[str]:
        return ["--home-dir", str(self._folder), "--config-dir", str(self._folder / "conf")]

    def _environment(self) -> dict[str, str]:
        return own_environment() | {
            "NEO4J_HOME": str(self._folder),
            "NEO4J_CONF": str(self._folder / "conf"),
        }


def quote_argument(text: str) -> str:
    """Return `text` as one word of a Java argument file."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _answers(port: int) -> bool:
    import socket

    try:
        socket.create_connection((LOOPBACK, port), timeout=2.0).close()
    except OSError:
        return False
    return True
