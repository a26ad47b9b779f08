"""Rounds of several graphs in turns: what slows one slows its neighbour too."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from os import sysconf
from pathlib import Path

from benchmarks.detection.detecting import Assignment, Round
from benchmarks.detection.home import Graph
from benchmarks.detection.world import World


@dataclass(frozen=True, slots=True)
class Subject:
    """A world in its running graph."""

    world: World
    graph: Graph


@dataclass(frozen=True, slots=True)
class Taken:
    """A round with what it cost the server."""

    round: Round
    server_cpu_seconds: float


def take_rounds(subjects: Sequence[Subject], count: int, *, is_profiled: bool) -> list[list[Taken]]:
    """Return `count` rounds of each subject, each in a process of its own."""
    with ExitStack() as stack:
        workers = [
            stack.enter_context(_worker(subject, is_profiled=is_profiled)) for subject in subjects
        ]
        found: list[list[Taken]] = [[] for _ in subjects]
        for _ in range(count):
            for subject, worker, taken in zip(subjects, workers, found, strict=True):
                taken.append(_take(subject, worker))
        return found


@contextmanager
def _worker(subject: Subject, *, is_profiled: bool) -> Generator[subprocess.Popen[str]]:
    world, graph = subject.world, subject.graph
    task = Assignment(
        uri=graph.uri,
        password=graph.password,
        size=world.size,
        is_dense=world.is_dense,
        is_profiled=is_profiled,
    )
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.detection.detecting"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        _send(process, task.model_dump_json())
        yield process
        if process.stdin:
            process.stdin.close()


def _take(subject: Subject, worker: subprocess.Popen[str]) -> Taken:
    before = _cpu_seconds(subject.graph.pid)
    _send(worker, "round")
    answer = worker.stdout.readline() if worker.stdout else ""
    if not answer:
        raise SystemExit(f"{subject.world.name}: the measured process ended; see above why")
    spent = _cpu_seconds(subject.graph.pid) - before
    return Taken(Round.model_validate_json(answer), spent)


def _send(process: subprocess.Popen[str], line: str) -> None:
    if process.stdin:
        process.stdin.write(f"{line}\n")
        process.stdin.flush()


def _cpu_seconds(pid: int) -> float:
    """Return what a process has computed; zero where the machine does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / sysconf("SC_CLK_TCK")
