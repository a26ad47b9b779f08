"""What a person reads after an import."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.importing.tally import Tally
from cli.terminal import plain
from shared.sources.records import ImportProblem

PROBLEMS_SHOWN: Final = 20
KINDS_SHOWN: Final = 8


def show_report(tally: Tally) -> RenderableType:
    """Return the report of one source."""
    parts: list[RenderableType] = [_headline(tally)]
    if tally.reading.dropped:
        parts.append(plain(f"  skipped: {_skipped(tally)}", "dim"))
    if tally.problems:
        parts += [_problems(tally.problems[:PROBLEMS_SHOWN]), *_rest(tally.problems)]
    return Group(*parts)


def count(number: int, thing: str) -> str:
    """Return a number with its noun, for example "1 file" or "2 files"."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def _headline(tally: Tally) -> Text:
    done = [f"{tally.queued:,} queued", f"{tally.unchanged:,} unchanged"]
    failed = Text(f", {tally.failed:,} failed", style="red") if tally.failed else Text()
    read = ", ".join(_read(tally)) or "nothing to import"
    return Text.assemble(
        (
            f"{tally.source}: ".capitalize() if tally.source.islower() else f"{tally.source}: ",
            "bold",
        ),
        f"{read} → {', '.join(done)}",
        failed,
    )


def _read(tally: Tally) -> Iterator[str]:
    if tally.prompts:
        yield count(len(tally.sessions), "session")
        yield count(tally.prompts, "prompt")
    if tally.memories:
        yield f"{tally.memories:,} {'memory' if tally.memories == 1 else 'memories'}"
    if tally.source_files:
        yield count(tally.source_files, "file")
    if tally.projects:
        yield count(len(tally.projects), "project")


def _skipped(tally: Tally) -> str:
    kinds = tally.reading.dropped.most_common()
    shown = [f"{number:,} {kind}" for kind, number in kinds[:KINDS_SHOWN]]
    if rest := kinds[KINDS_SHOWN:]:
        shown.append(f"{sum(number for _, number in rest):,} of {len(rest)} other kinds")
    return ", ".join(shown)


def _problems(problems: Sequence[ImportProblem]) -> Table:
    table = Table("file", "line", "field", "reason", "outcome", title_justify="left")
    for problem in problems:
        style = "yellow" if problem.outcome == "skipped" else ""
        table.add_row(
            plain(problem.file),
            str(problem.line or ""),
            plain(problem.field or ""),
            plain(problem.reason),
            Text(problem.outcome, style=style),
        )
    return table


def _rest(problems: Sequence[ImportProblem]) -> Iterator[Text]:
    if (hidden := len(problems) - PROBLEMS_SHOWN) > 0:
        yield plain(f"  … and {hidden:,} more; --json lists all.", "dim")
