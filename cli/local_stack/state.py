"""What a stack remembers between commands: `stack.json`, readable by its owner only."""

import os
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from pydantic import BaseModel, Field, ValidationError


class ProcessRecord(BaseModel, frozen=True):
    """One process that this stack started."""

    pid: int
    identity: str
    """When it started, as the system counts it: a reused pid does not match."""
    started_at: float
    """Seconds since the epoch, for the uptime shown."""
    port: int | None
    log: Path


class Account(BaseModel, frozen=True):
    """The workspace and API key that the stack made for its user."""

    workspace_id: str
    user_id: UUID
    api_key: str
    database: str
    """Fingerprint of the database that knows the key: another one does not."""


class StackState(BaseModel):
    """Everything in `stack.json`."""

    ports: dict[str, int] = Field(default_factory=dict)
    passwords: dict[str, str] = Field(default_factory=dict)
    processes: dict[str, ProcessRecord] = Field(default_factory=dict)
    supervisor: ProcessRecord | None = None
    account: Account | None = None


class StateFile:
    """Reads and writes `stack.json`; a reader never sees half a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def read(self) -> StackState:
        """Return the state; an absent or unreadable file counts as an empty one.

        Nothing is lost with it: passwords also lie beside the data they open, and processes
        are found again by what they run.
        """
        try:
            return StackState.model_validate_json(self._path.read_bytes())
        except (FileNotFoundError, ValidationError):
            return StackState()

    @contextmanager
    def change(self) -> Generator[StackState]:
        """Yield the state and write it back. Threads of one command take turns."""
        with self._lock:
            state = self.read()
            yield state
            self._write(state)

    def _write(self, state: StackState) -> None:
        draft = self._path.with_suffix(".json.new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(state.model_dump_json(indent=2))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
