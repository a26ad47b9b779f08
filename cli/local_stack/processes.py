"""Start, recognise and stop detached processes. A pid alone never proves that one is ours."""

import atexit
import os
import signal
import subprocess
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from cli.local_stack.state import ProcessRecord

LARGEST_LOG_BYTES = 20_000_000
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start a process."""

    argv: Sequence[str]
    cwd: Path
    env: dict[str, str]
    user: str | None = None
    """Account to run under; only root may name one."""


@dataclass(frozen=True, slots=True)
class StopPlan:
    """Signals to send one after the other, each with the seconds to wait for the end."""

    signals: Sequence[tuple[signal.Signals, float]] = field(
        default=((signal.SIGTERM, 30.0), (signal.SIGKILL, 10.0))
    )


# Our own children stay zombies until somebody asks for their exit status.
_children: dict[int, subprocess.Popen[bytes]] = {}


def identify(pid: int) -> str | None:
    """Return what sets this process apart from every other with its pid; None if it has ended."""
    child = _children.get(pid)
    if child is not None and child.poll() is not None:
        del _children[pid]
        return None
    try:
        process = psutil.Process(pid)
        return None if _has_ended(process) else _start_mark(process)
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
        return None


def _has_ended(process: psutil.Process) -> bool:
    # A killed Java is a zombie at once, but its threads hold the port a little longer.
    return process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1


def _start_mark(process: psutil.Process) -> str:
    if not BOOT_ID.exists():
        return f"{process.create_time():.2f}"
    # Ticks since boot: unlike a time of day they stay true when the clock is set.
    ticks = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19]
    return f"{BOOT_ID.read_text().strip()}:{ticks}"


def record_self(log: Path) -> ProcessRecord:
    """Return the record of the process that runs this."""
    return _record(os.getpid(), None, log)


def is_self(record: ProcessRecord | None) -> bool:
    """Return whether it is the process that runs this."""
    return is_running(record) and record is not None and record.pid == os.getpid()


def is_running(record: ProcessRecord | None) -> bool:
    """Return whether this very process still runs."""
    return record is not None and identify(record.pid) == record.identity


def spawn(launch: Launch, *, log: Path, port: int | None) -> ProcessRecord:
    """Start a process that outlives this one, its output appended to `log`."""
    _rotate(log)
    with log.open("ab") as output:
        child = subprocess.Popen(
            list(launch.argv),
            cwd=launch.cwd,
            env=launch.env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=launch.user,
            group=launch.user,
            extra_groups=[] if launch.user else None,
        )
    _children[child.pid] = child
    return _record(child.pid, port, log)


@atexit.register
def _let_go() -> None:
    # They are meant to outlive this process: without an exit status Python would warn of each.
    for child in _children.values():
        child.returncode = child.returncode or 0


def _record(pid: int, port: int | None, log: Path) -> ProcessRecord:
    # A process that has ended already matches nothing: its identity is the empty text.
    identity = identify(pid) or ""
    return ProcessRecord(pid=pid, identity=identity, started_at=time.time(), port=port, log=log)


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > LARGEST_LOG_BYTES:
        log.replace(log.with_name(log.name + ".1"))


def send_signal(record: ProcessRecord, number: signal.Signals) -> bool:
    """Signal this very process; return False when it has ended (or its pid is another's now)."""
    with _handle(record.pid) as descriptor:
        if not is_running(record):
            return False
        try:
            if descriptor is None:
                os.kill(record.pid, number)
            else:
                signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            return False
        return True


@contextmanager
def _handle(pid: int) -> Generator[int | None]:
    """Yield a handle that stays on one process: between check and signal the pid may be reused."""
    try:
        descriptor = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
    except OSError:
        descriptor = None
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)


def stop(record: ProcessRecord, plan: StopPlan) -> bool:
    """End this very process, ever less politely; return whether it has ended."""
    for number, patience_seconds in plan.signals:
        if not send_signal(record, number):
            return True
        if wait_until_ended(record, patience_seconds):
            return True
    return False


def wait_until_ended(record: ProcessRecord, patience_seconds: float) -> bool:
    deadline = time.monotonic() + patience_seconds
    while is_running(record):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def find_processes(
    *, argument: str | None = None, cwd: Path | None = None, variables: dict[str, str] | None = None
) -> list[ProcessRecord]:
    """Return the running processes with this argument, working folder and environment."""
    found: list[ProcessRecord] = []
    for process in psutil.process_iter():
        try:
            if _matches(process, argument, cwd, variables or {}):
                found.append(_record(process.pid, None, Path(os.devnull)))
        except (psutil.Error, OSError):
            continue  # gone meanwhile, or somebody else's: not ours
    return found


def _matches(
    process: psutil.Process, argument: str | None, cwd: Path | None, variables: dict[str, str]
) -> bool:
    if argument is not None and argument not in process.cmdline():
        return False
    if cwd is not None and Path(process.cwd()) != cwd:
        return False
    environment = process.environ() if variables else {}
    return all(environment.get(name) == value for name, value in variables.items())


def read_tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log; empty when there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16_384))
        text = file.read().decode(errors="replace")
    return "\n".join(text.splitlines()[-lines:])


def stop_all(records: Iterable[ProcessRecord], plan: StopPlan) -> None:
    for record in records:
        stop(record, plan)
