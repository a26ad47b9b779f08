"""Projects: what they are about, how fresh that is, and what it is told from."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel
from rich.console import Group, RenderableType
from rich.table import Table

from cli.terminal import Indented, local_time, plain, shorten

CAP: Final = 10_000
EXCERPT_CHARACTERS: Final = 160
SOURCES_SHOWN: Final = 5
FRESHNESS: Final = {"none": "no summary yet", "fresh": "fresh", "stale": "stale"}


class Answered(BaseModel):
    """JSON in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel)


class Project(Answered):
    """One project."""

    name: str
    memories: int
    files: int
    newest_at: datetime | None
    summary: str | None
    summary_state: str
    summarised_at: datetime | None
    model: str | None


class Projects(Answered):
    """By name."""

    projects: list[Project]


class Source(Answered):
    """A memory that something is told from."""

    chunk_id: str
    occurred_at: datetime
    excerpt: str


class Decision(Answered):
    """A sentence that tells what was decided."""

    text: str
    source: Source


class Day(Answered):
    """How many memories happened on a day."""

    day: date
    memories: int


class ProjectInFull(Project):
    """One project, and what is said of it is told from."""

    memories_included: int | None
    sources: list[Source]
    decisions: list[Decision]
    activity: list[Day]
    open_jobs: list[JsonValue]


def show_projects(answer: JsonValue) -> RenderableType:
    """Return a line for each project."""
    found = Projects.model_validate(answer).projects
    if not found:
        return plain("No projects yet: import something.")
    table = Table(box=None, pad_edge=False)
    for heading in ("project", "memories", "files", "newest", "summary"):
        table.add_column(heading, justify="right" if heading in ("memories", "files") else "left")
    for one in found:
        table.add_row(
            plain(one.name, "bold"),
            capped(one.memories),
            capped(one.files),
            local_time(one.newest_at),
            freshness(one),
        )
    return table


def show_project(answer: JsonValue) -> RenderableType:
    """Return one project in full."""
    one = ProjectInFull.model_validate(answer)
    active = sum(1 for day in one.activity if day.memories)
    numbers = f"{capped(one.memories)} memories, {capped(one.files)} files; {freshness(one)}"
    lines: list[RenderableType] = [plain(one.name, "bold"), plain(f"  {numbers}", "dim")]
    lines.append(Indented(plain(one.summary or "It has no summary yet."), 2))
    lines.append(plain(f"\n  Active on {active} of the last {len(one.activity)} days.", "dim"))
    lines += [plain(f"  {len(one.open_jobs)} jobs are open.", "dim")] if one.open_jobs else []
    lines += [plain("\n  Decisions", "bold")] if one.decisions else []
    lines += [_dated(decision.source, decision.text) for decision in one.decisions]
    lines += [plain("\n  Told from", "bold")] if one.sources else []
    lines += [_dated(source, source.excerpt) for source in one.sources[:SOURCES_SHOWN]]
    if (rest := len(one.sources) - SOURCES_SHOWN) > 0:
        lines.append(plain(f"  … and {rest} more", "dim"))
    return Group(*lines)


def freshness(project: Project) -> str:
    """Return how fresh a summary is, and since when it is there."""
    state = FRESHNESS.get(project.summary_state, project.summary_state)
    if project.summarised_at is None:
        return state
    return f"{state}, of {local_time(project.summarised_at)} by {project.model}"


def capped(count: int) -> str:
    """Return a count as the API counts: not further than ten thousand."""
    return str(count) if count <= CAP else "10k+"


def _dated(source: Source, text: str) -> RenderableType:
    moment = plain(f"  • {local_time(source.occurred_at)} ", "dim")
    return moment + plain(shorten(text, EXCERPT_CHARACTERS))
