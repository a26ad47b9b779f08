"""Turns what was measured into figures and goals. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Final

from benchmarks.detection.rounds import Taken
from benchmarks.detection.settings import (
    MOST_GROWTH,
    MOST_GROWTH_OF_HITS,
    MOST_GROWTH_OF_PEAK,
    MOST_SECONDS,
)
from benchmarks.detection.world import World
from benchmarks.figures import Results, ratio_of_rounds

MILLISECONDS: Final = 1_000
KIB_OF_MIB: Final = 1_024


def add_rounds(results: Results, worlds: Sequence[World], taken: Sequence[Sequence[Taken]]) -> None:
    """Note times and memory, and hold them against the goals."""
    seconds = _each(taken, lambda one: one.round.seconds)
    peaks = _each(taken, lambda one: one.round.peak_kib / KIB_OF_MIB)
    _note(results, worlds, "detection, all detectors", "ms", _scaled(seconds))
    for name in taken[0][0].round.by_detector:
        own = _each(taken, lambda one, name=name: one.round.by_detector[name])
        _note(results, worlds, f"detector {name}", "ms", _scaled(own))
    server = _each(taken, lambda one: one.server_cpu_seconds)
    _note(
        results,
        worlds,
        "processor time of the server, writing and detecting",
        "ms",
        _scaled(server),
    )
    worker = _each(taken, lambda one: one.round.cpu_seconds)
    _note(results, worlds, "processor time of the worker", "ms", _scaled(worker))
    writes = _each(taken, lambda one: one.round.write_seconds)
    _note(results, worlds, "writing the new memories", "ms", _scaled(writes))
    _note(results, worlds, "peak memory of the worker", "MiB", peaks)
    growth, ratio = _growth(worlds), ratio_of_rounds(seconds[-1], seconds[0])
    if worlds[-1].is_dense:
        results.add("growth of a run's time", "ratio", {growth: [ratio]})
        return
    results.below(growth, "time of a run", ratio, MOST_GROWTH)
    results.at_most(growth, "peak memory", peaks[-1][-1] / peaks[0][-1], MOST_GROWTH_OF_PEAK)
    for world, own in zip(worlds, seconds, strict=True):
        results.below(world.name, "seconds of a run", median(own), MOST_SECONDS)


def add_profiles(
    results: Results, worlds: Sequence[World], taken: Sequence[Sequence[Taken]]
) -> None:
    """Note what the server touched, and that it never read all there is."""
    hits = _each(taken, lambda one: float(sum(s.db_hits for s in one.round.statements)))
    _note(results, worlds, "db hits", "hits", hits)
    growth, ratio = _growth(worlds), ratio_of_rounds(hits[-1], hits[0])
    if worlds[-1].is_dense:
        results.add("growth of db hits", "ratio", {growth: [ratio]})
    else:
        results.at_most(growth, "db hits of a run", ratio, MOST_GROWTH_OF_HITS)
    for world, rounds in zip(worlds, taken, strict=True):
        scans = {
            f"{scan}: {statement.text}"
            for one in rounds
            for statement in one.round.statements
            for scan in statement.scans
        }
        said = "".join(f"; {scan[:160]}" for scan in sorted(scans))
        results.at_most(world.name, f"statements that scan{said}", len(scans), 0)


def add_old_way(
    results: Results,
    worlds: Sequence[World],
    taken: Sequence[Sequence[Taken]],
    old_seconds: Sequence[float],
) -> None:
    """Note what the old way takes in the same graphs."""
    _note(results, worlds, "the old way", "ms", _scaled([[one] for one in old_seconds]))
    new = median(one.round.seconds for one in taken[-1])
    results.above(worlds[-1].name, "old way / a run", old_seconds[-1] / new, 1)


def _each(taken: Sequence[Sequence[Taken]], value: Callable[[Taken], float]) -> list[list[float]]:
    return [[value(one) for one in rounds] for rounds in taken]


def _scaled(values: Sequence[Sequence[float]]) -> list[list[float]]:
    return [[one * MILLISECONDS for one in rounds] for rounds in values]


def _note(
    results: Results,
    worlds: Sequence[World],
    scenario: str,
    unit: str,
    values: Sequence[list[float]],
) -> None:
    results.add(scenario, unit, {w.name: own for w, own in zip(worlds, values, strict=True)})


def _growth(worlds: Sequence[World]) -> str:
    return f"{worlds[0].name} → {worlds[-1].name}"
