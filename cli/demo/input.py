"""Finds real input on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cli.importing import sources
from cli.importing.sources import Source
from cli.terminal import out, plain
from shared.errors import InvalidInputError
from shared.sources.claude_code import find_transcripts

CHECKOUT: Final = Path(__file__).resolve().parents[2]
CLAUDE_CODE_HOME: Final = Path("~/.claude/projects")


def find_sources(sessions: Path | None, repository: Path | None) -> list[Source]:
    """Return what the demo imports, and say what it does without.

    Raises:
        UsageError: the sessions asked for do not exist.
        InvalidInputError: the repository asked for does not exist.
    """
    found = [*_repository(repository), *_sessions(sessions)]
    for source in found:
        out().print(plain(f"• {source.title}: {source.total:,} {source.unit}"))
    return found


def _repository(chosen: Path | None) -> list[Source]:
    folder = (chosen or CHECKOUT).expanduser()
    files = sources.source_files(folder)
    try:
        return [sources.git_history(folder), files]
    except InvalidInputError as error:
        out().print(plain(f"• No git history: {error}", "yellow"))
        return [files]


def _sessions(chosen: Path | None) -> list[Source]:
    if chosen is not None:
        return [sources.claude_code(chosen.expanduser())]
    folder = CLAUDE_CODE_HOME.expanduser()
    if folder.is_dir() and find_transcripts(folder):
        return [sources.claude_code(folder)]
    out().print(
        plain(
            f"• No Claude Code sessions in {CLAUDE_CODE_HOME}: the demo goes on without. "
            "Name a folder of sessions with INPUT= (make) or --input.",
            "yellow",
        )
    )
    return []
