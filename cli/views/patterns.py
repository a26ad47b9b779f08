"""Patterns and why they are ones."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel
from rich.console import Group, RenderableType
from rich.text import Text

from cli.api_client import ApiClient
from cli.errors import CommandError
from cli.terminal import Indented, err, local_time, plain, shorten
from cli.views.jobs import Job, find_job

EVIDENCE_SHOWN: Final = 3
EXCERPT_CHARACTERS: Final = 160
DETECTION_PATIENCE_SECONDS: Final = 120.0
POLL_SECONDS: Final = 0.3
SEEN_AT_ONCE: Final = 1_000
"""Memories and files that one run looks at; of a project or a time, the newest."""
COLOURS: Final = {"debugging": "red", "learning": "blue", "refactoring": "magenta"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which patterns to show."""

    pattern_type: str | None = None
    project: str | None = None
    limit: int = 20
    since: datetime | None = None
    """Look anew at what happened from here on."""
    until: datetime | None = None
    text: str | None = None
    review: str | None = None
    near: str | None = None
    min_confidence: float | None = None
    after: str | None = None

    def request(self) -> dict[str, JsonValue]:
        """Return the body that asks for detection."""
        return {
            "patternTypes": [self.pattern_type] if self.pattern_type else [],
            "limit": SEEN_AT_ONCE,
            "projectName": self.project,
            "since": self.since and self.since.isoformat(),
            "until": self.until and self.until.isoformat(),
        }


class Answered(BaseModel):
    """JSON in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel)


class Evidence(Answered):
    """A memory or source file that a pattern was derived from."""

    id: str
    kind: str
    session_id: str | None
    occurred_at: datetime | None
    excerpt: str


class Pattern(Answered):
    """One pattern."""

    id: str
    type: str
    name: str
    project_name: str | None
    period: str
    confidence: float
    frequency: int
    metadata: dict[str, JsonValue]
    evidence: list[Evidence]


class Answer(BaseModel):
    """Patterns, surest first."""

    patterns: list[Pattern]


def find_patterns(client: ApiClient, wanted: Wanted) -> JsonValue:
    """Return the API's answer."""
    if wanted.near is not None:
        return client.post("/api/patterns/search", _nearest(wanted))
    return client.get(
        "/api/patterns",
        {
            "type": wanted.pattern_type,
            "project": wanted.project,
            "limit": wanted.limit,
            "text": wanted.text,
            "review": wanted.review,
            "minConfidence": wanted.min_confidence,
            "after": wanted.after,
        },
    )


def _nearest(wanted: Wanted) -> JsonValue:
    types: list[JsonValue] = [wanted.pattern_type] if wanted.pattern_type else []
    body: dict[str, JsonValue] = {"query": wanted.near, "patternTypes": types}
    sure = {} if wanted.min_confidence is None else {"minConfidence": wanted.min_confidence}
    return body | sure | {"limit": wanted.limit}


def find_rates(client: ApiClient, wanted: Wanted) -> JsonValue:
    """Return the API's answer."""
    asked = {"type": wanted.pattern_type, "project": wanted.project}
    return client.get("/api/patterns/rates", asked)


def detect_patterns(client: ApiClient, wanted: Wanted) -> None:
    """Ask for detection and return when it is done.

    Raises:
        CommandError: it was given up, or takes too long.
    """
    submitted = client.post("/api/patterns/detect", wanted.request())
    job_id = submitted.get("jobId") if isinstance(submitted, dict) else None
    deadline = time.monotonic() + DETECTION_PATIENCE_SECONDS
    with err().status("Looking for patterns"):
        while (job := Job.model_validate(find_job(client, job_id))).state != "done":
            if job.state in ("dead", "cancelled") or time.monotonic() > deadline:
                raise CommandError(
                    f"detection is {job.state}: {job.last_error or 'it takes long'}",
                    next_step=f"`supastate jobs {job_id}` shows how it goes on.",
                )
            time.sleep(POLL_SECONDS)


def read_patterns(answer: JsonValue) -> list[Pattern]:
    """Return the patterns of an answer."""
    return Answer.model_validate(answer).patterns


def show_patterns(answer: JsonValue) -> RenderableType:
    """Return the patterns as a list that fits any terminal."""
    if patterns := read_patterns(answer):
        return Group(*(show_pattern(pattern) for pattern in patterns))
    return plain("No patterns yet. Import something, or look anew with --detect.")


def show_pattern(pattern: Pattern) -> RenderableType:
    """Return one pattern with its reason and the first of its evidence."""
    lines: list[RenderableType] = [plain(str(pattern.metadata.get("reason", "")))]
    lines += [_show_evidence(one) for one in pattern.evidence[:EVIDENCE_SHOWN]]
    if (rest := len(pattern.evidence) - EVIDENCE_SHOWN) > 0:
        lines.append(plain(f"… and {rest} more", "dim"))
    return Group(headline(pattern), Indented(Group(*lines), 5), "")


def headline(pattern: Pattern) -> Text:
    """Return what a pattern is called, how sure it is, and how often."""
    return Text.assemble(
        (f"{pattern.confidence:.2f} ", "bold green"),
        plain(pattern.type, f"bold {COLOURS.get(pattern.type, 'cyan')}"),
        plain(f" {pattern.name} · ", "dim"),
        plain(pattern.project_name or "no project", "bold"),
        plain(f" · {pattern.period} · {pattern.frequency}×", "dim"),
    )


def _show_evidence(evidence: Evidence) -> Text:
    when = f"{local_time(evidence.occurred_at)} " if evidence.occurred_at else ""
    return plain(f"• {when}", "dim") + plain(shorten(evidence.excerpt, EXCERPT_CHARACTERS))
