"""What is known about one part, asked at the moment of the call."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cli.local_stack.addresses import Addresses
from cli.local_stack.parts import Part
from cli.local_stack.processes import is_running

PartState = Literal["ready", "not ready", "died", "stopped", "external"]


@dataclass(frozen=True, slots=True)
class PartStatus:
    """One line of `supastate local status`."""

    name: str
    state: PartState
    pid: int | None = None
    url: str | None = None
    uptime_seconds: float | None = None
    log: Path | None = None


def ask_status(part: Part, addresses: Addresses) -> PartStatus:
    """Return the part's status; asks the running process whether it is ready."""
    if external := addresses.external_url(part.name):
        return PartStatus(part.name, "external", url=external)
    record = addresses.state.processes.get(part.name)
    if record is None or record.port is None:
        return PartStatus(part.name, "stopped")
    if not is_running(record):
        return PartStatus(part.name, "died", log=record.log)
    return PartStatus(
        name=part.name,
        state="ready" if part.is_ready(record.port) else "not ready",
        pid=record.pid,
        url=addresses.url(part.name, record.port),
        uptime_seconds=time.time() - record.started_at,
        log=record.log,
    )
