"""The checks of Neo4j and of the embedder: version, migrations, indexes, vectors, clock."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Final

from neo4j import AsyncDriver

from cli.doctor.findings import Finding, judge, listed
from shared.embedding import Embedder
from shared.errors import DependencyDownError, InvalidInputError, SettingsError
from shared.graph.checkup import (
    GraphServer,
    UnreadyIndex,
    read_graph_server,
    read_unready_indexes,
)
from shared.graph.migrate import find_pending

AREA: Final = "Neo4j"
OLDEST_YEAR: Final = 2026
MOST_SECONDS_APART: Final = 2.0


async def examine_graph(driver: AsyncDriver, embedder: Embedder) -> AsyncGenerator[Finding]:
    """Yield what is found."""
    asked = datetime.now(UTC)
    server = await read_graph_server(driver)
    for finding in judge_graph_server(server, asked, datetime.now(UTC)):
        yield finding
    yield await _examine_migrations(driver, embedder)
    yield judge_indexes(await read_unready_indexes(driver))


def judge_graph_server(server: GraphServer, asked: datetime, answered: datetime) -> list[Finding]:
    """Return what a server's own words mean; `now` is of a moment between the two."""
    apart = (server.now - (asked + (answered - asked) / 2)).total_seconds()
    year = server.version.partition(".")[0]
    return [
        judge(
            AREA, "version", good=year.isdecimal() and int(year) >= OLDEST_YEAR,
            found=f"{server.version} {server.edition}",
            mend="Use Neo4j 2026 or newer: older ones cannot filter inside a vector index.",
        ),
        judge(
            AREA, "clock", good=abs(apart) <= MOST_SECONDS_APART, bad="warning",
            found=f"{apart:+.1f} s from this machine's", mend="Let both machines follow NTP.",
        ),
    ]  # fmt: skip


async def _examine_migrations(driver: AsyncDriver, embedder: Embedder) -> Finding:
    try:
        pending = await find_pending(driver, dimensions=embedder.dimensions)
    except SettingsError as error:
        first, _, rest = str(error).partition(". ")
        return Finding(AREA, "migrations", "failed", first, rest)
    return judge_pending(pending)


def judge_pending(pending: list[str]) -> Finding:
    """Return whether every migration is applied, and each of its indexes there."""
    found = f"missing: {listed(pending)}" if pending else "all applied"
    return judge(AREA, "migrations", good=not pending, found=found, mend="Run `supastate migrate`.")


def judge_indexes(unready: list[UnreadyIndex]) -> Finding:
    """Return whether searches find all that is there."""
    failed = any(one.state == "FAILED" for one in unready)
    found = listed([f"{one.name} {one.state} {one.percent:.0f} %" for one in unready])
    mend = (
        "`SHOW INDEXES YIELD name, failureMessage` says why; drop it, then `supastate migrate`."
        if failed
        else "Wait: it is being filled; searches miss some results until then."
    )
    return judge(
        AREA, "indexes", good=not unready, found=found or "all online", mend=mend,
        bad="failed" if failed else "warning",
    )  # fmt: skip


async def examine_embedder(embedder: Embedder) -> Finding:
    """Return whether texts become vectors of the right length."""
    name = f"{embedder.name}, {embedder.dimensions} dimensions"
    mend = "Compare SUPASTATE_EMBEDDING_URL, _MODEL, _DIMENSIONS and _API_KEY with the endpoint's."
    try:
        [vector] = await embedder.embed(["Does the embedder answer?"])
    except (DependencyDownError, InvalidInputError) as error:
        return Finding("embedder", "answers", "failed", f"{name}: {error}", mend)
    if len(vector) != embedder.dimensions:
        return Finding("embedder", "answers", "failed", f"{name}, but sent {len(vector)}", mend)
    return judge(
        "embedder", "answers", good=bool(embedder.calibration.points), bad="warning",
        found=name if embedder.calibration.points else f"{name}, not calibrated",
        mend="`supastate calibrate` measures what the detectors' thresholds mean to this model.",
    )  # fmt: skip
