"""Bring one part from any state it may be in to ready, and end it."""

import threading
import time

from cli.local_stack.errors import PartFailedError
from cli.local_stack.home import StackHome
from cli.local_stack.parts import Part, Reporter
from cli.local_stack.ports import choose_port, is_free
from cli.local_stack.processes import is_running, read_tail, spawn, stop
from cli.local_stack.side_by_side import StartCancelledError
from cli.local_stack.state import ProcessRecord, StateFile

ATTEMPTS = 3
"""Starts of one part: another program may take the port between the choice and the start."""

POLL_SECONDS = 0.05


class Starter:
    """Starts and stops parts. Its caller holds the stack's lock."""

    def __init__(self, home: StackHome, state: StateFile, reporter: Reporter) -> None:
        self._home = home
        self._state = state
        self._reporter = reporter
        self.cancelled = threading.Event()

    def start(self, part: Part) -> bool:
        """Return once `part` is ready: True when it was started, False when it ran already.

        Raises:
            PartFailedError: it died, or was not ready in time.
        """
        record = self._state.read().processes.get(part.name)
        if record and is_running(record) and self._becomes_ready(part, record):
            self._reporter.part_changed(part.name, "running")
            return False
        self.stop(part)
        self._reporter.part_changed(part.name, "preparing")
        part.prepare()
        self._reporter.part_changed(part.name, "starting")
        self._start_on_a_free_port(part)
        self._reporter.part_changed(part.name, "ready")
        return True

    def stop(self, part: Part) -> bool:
        """End `part` and what a killed command may have left of it; return whether any ran."""
        record = self._state.read().processes.get(part.name)
        ours = [*([record] if record else []), *part.find_leftovers()]
        running = {process.pid: process for process in ours if is_running(process)}
        for process in running.values():
            self._reporter.part_changed(part.name, "stopping")
            stop(process, part.stop_plan)
            self._reporter.part_changed(part.name, "stopped")
        with self._state.change() as state:
            state.processes.pop(part.name, None)
        return bool(running)

    def _start_on_a_free_port(self, part: Part) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            record = self._spawn(part)
            if self._becomes_ready(part, record):
                return
            was_taken = not is_running(record) and record.port and not is_free(record.port)
            if not was_taken or attempt == ATTEMPTS:
                raise self._explain(part, record)

    def _spawn(self, part: Part) -> ProcessRecord:
        with self._state.change() as state:
            others = {port for name, port in state.ports.items() if name != part.name}
            port = choose_port(state.ports.get(part.name), others)
            launch = part.launch(port)
            record = spawn(launch, log=self._home.log(part.name), port=port)
            state.ports[part.name] = port
            state.processes[part.name] = record
        return record

    def _becomes_ready(self, part: Part, record: ProcessRecord) -> bool:
        """Return whether the process gets ready before it dies or its time is over."""
        deadline = time.monotonic() + part.start_patience_seconds
        while is_running(record) and time.monotonic() < deadline:
            if self.cancelled.is_set():
                raise StartCancelledError(part.name)
            if record.port is not None and part.is_ready(record.port):
                return True
            time.sleep(POLL_SECONDS)
        return False

    def _explain(self, part: Part, record: ProcessRecord) -> PartFailedError:
        problem = (
            f"was not ready after {part.start_patience_seconds:.0f} s"
            if is_running(record)
            else "died while it started"
        )
        self.stop(part)
        return PartFailedError(part.name, problem, log=record.log, tail=read_tail(record.log))
