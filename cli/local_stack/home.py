"""The folder that holds one local stack, and the lock that only one command may hold."""

import os
import shutil
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cli.local_stack.errors import AlreadyBusyError, HomeError, PlatformError

try:
    import fcntl
except ImportError as error:
    raise PlatformError(
        "the local stack needs Linux or macOS",
        next_step="On Windows run it in WSL, or use docker compose.",
    ) from error

# Longer than the first start takes, which fetches Neo4j's jars.
LOCK_PATIENCE_SECONDS = 600.0
LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class StackHome:
    """Where everything of one stack lies."""

    root: Path

    @property
    def state_file(self) -> Path:
        return self.root / "stack.json"

    @property
    def lock_file(self) -> Path:
        return self.root / "stack.lock"

    @property
    def session_secret(self) -> Path:
        return self.root / "session_secret"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def neo4j(self) -> Path:
        return self.root / "neo4j"

    @property
    def bytecode(self) -> Path:
        return self.root / "bytecode"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def create(self) -> None:
        """Make the folders. Safe to repeat; permissions of folders that exist stay."""
        try:
            # As root the Postgres account must pass through; nobody else can list the folder.
            self.root.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
            for folder in (self.logs, self.neo4j):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise HomeError.from_os_error(error, self.root) from error

    def delete(self) -> None:
        """Remove what a stack made here, and nothing else that lies here."""
        for folder in (self.logs, self.neo4j, self.bytecode):
            shutil.rmtree(folder, ignore_errors=True)
        for file in (self.state_file, self.lock_file, self.session_secret):
            file.unlink(missing_ok=True)
        if not any(self.root.iterdir()):
            self.root.rmdir()

    @contextmanager
    def locked(self, patience_seconds: float = LOCK_PATIENCE_SECONDS) -> Generator[None]:
        """Hold this stack's lock; the system frees it when the holder dies.

        Raises:
            AlreadyBusyError: somebody else kept it longer than `patience_seconds`.
        """
        self.create()
        with locked_file(self.lock_file, patience_seconds):
            self.create()  # whoever had the lock may have deleted everything
            yield


@contextmanager
def locked_file(path: Path, patience_seconds: float = LOCK_PATIENCE_SECONDS) -> Generator[None]:
    """Hold an exclusive lock on a file, which is made when it is not there."""
    deadline = time.monotonic() + patience_seconds
    with ExitStack() as held:
        while True:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = held.enter_context(path.open("a"))
            if _try_lock(lock.fileno()) and _is_still(path, lock.fileno()):
                break
            held.pop_all().close()
            if time.monotonic() > deadline:
                raise AlreadyBusyError(patience_seconds, path)
            time.sleep(LOOK_SECONDS)
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(path: Path, descriptor: int) -> bool:
    """Return whether the file was not deleted between opening and locking it."""
    return path.exists() and path.stat().st_ino == os.fstat(descriptor).st_ino


def find_home(chosen: Path | None = None) -> StackHome:
    """Return the stack in `chosen`, else in SUPASTATE_HOME, else in ~/.supastate."""
    named = chosen or Path(os.environ.get("SUPASTATE_HOME") or "~/.supastate")
    return StackHome(named.expanduser().resolve())
