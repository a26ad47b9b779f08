"""Reads the memories that `supastate calibrate` measures on, and shows what it found."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, cast

from rich.console import Group, RenderableType
from rich.table import Table

from cli.connection import find_settings, find_workspace, open_postgres
from cli.errors import CommandError, UsageError
from cli.terminal import plain
from shared.embedding import open_embedder
from shared.embedding.calibrating import MOST_SAMPLES, RATES, Equivalents, Sample, measure
from shared.postgres.memories import sample_memories
from shared.settings import Settings
from shared.sources.claude_code import read_claude_code
from shared.sources.records import MemoryChunk

SETTING: Final = "SUPASTATE_EMBEDDING_CALIBRATION"


def calibrate(path: Path | None) -> Equivalents:
    """Measure the configured embedder on a file, a folder, or what the workspace holds."""
    return asyncio.run(_calibrate(find_settings(), path))


async def _calibrate(settings: Settings, path: Path | None) -> Equivalents:
    samples = await _read_workspace(settings) if path is None else read_samples(path)
    return await measure(open_embedder(settings), samples)


async def _read_workspace(settings: Settings) -> list[Sample]:
    if (workspace := find_workspace()) is None:
        raise UsageError(
            "no workspace is named",
            next_step="Set SUPASTATE_WORKSPACE_ID, or give a file or a folder of sessions.",
        )
    async with open_postgres(settings) as conn:
        rows = await sample_memories(conn, workspace, limit=4 * MOST_SAMPLES)
    return [_sample(content, session, metadata) for content, session, metadata in rows]


def read_samples(path: Path) -> list[Sample]:
    """Return the memories of a JSON Lines file, or of a folder of Claude Code sessions.

    Raises:
        CommandError: a line is no memory; it names the line.
    """
    if path.is_dir():
        chunks = (item for item in read_claude_code(path) if isinstance(item, MemoryChunk))
        return [_sample(chunk.content, chunk.session_id, chunk.metadata) for chunk in chunks]
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", errors="replace") as lines:
        return list(_read_lines(path, cast("Iterable[str]", lines)))


def _read_lines(path: Path, lines: Iterable[str]) -> Iterable[Sample]:
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            yield _sample(record["content"], record.get("session_id"), record.get("metadata"))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CommandError(
                f"{path}, line {number}: no memory ({type(error).__name__}: {error})",
                next_step='Each line is {"content": …, "session_id"?: …, "metadata"?: {…}}.',
            ) from error


def _sample(content: str, session_id: str | None, metadata: Mapping[str, Any] | None) -> Sample:
    files = (metadata or {}).get("filePaths")
    paths = cast("list[object]", files) if isinstance(files, list) else []
    return Sample(content, session_id, frozenset(path for path in paths if isinstance(path, str)))


def show(found: Equivalents) -> RenderableType:
    """Return the table and the line to configure."""
    table = Table(box=None, pad_edge=False)
    for heading in ("threshold", f"on {found.model}", "unrelated pairs above it"):
        table.add_column(heading)
    for reference, here in found.points:
        table.add_row(f"{reference:.2f}", f"{here:.3f}", f"{RATES[reference]:.1%}")
    measured = f"{found.pairs:,} pairs of unrelated memories, of {found.samples:,}."
    return Group(table, plain(measured, "dim"), plain(f'{SETTING}="{found.setting()}"'))
