"""Audit log, usage, projects and single patterns as text; and what goes on typing its name."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from pydantic import JsonValue
from rich.console import Console, RenderableType

from cli.errors import UsageError
from cli.forgetting import ask_for_name, read_target
from cli.views.pattern import show_detail
from cli.views.projects import show_project, show_projects
from cli.views.rates import show_rates
from cli.views.reports import show_entries, show_usage, size

PROJECT: dict[str, JsonValue] = {
    "name": "shop", "memories": 10_001, "files": 3, "newestAt": "2026-01-05T12:00:00Z",
    "summary": "A shop.", "summaryState": "stale", "summarisedAt": "2026-01-05T12:00:00Z",
    "model": "extractive",
}  # fmt: skip
SOURCE: JsonValue = {
    "chunkId": "a",
    "occurredAt": "2026-01-05T12:00:00Z",
    "excerpt": "We [chose]",
}


def read(shown: RenderableType) -> str:
    console = Console(width=140, color_system=None)
    with console.capture() as captured:
        console.print(shown)
    return captured.get()


def typing(answer: str) -> Callable[..., str]:
    """Return a person who answers every question so."""

    def answer_it(*_: object, **__: object) -> str:
        return answer

    return answer_it


def test_an_entry_says_who_did_what_to_what() -> None:
    entry: JsonValue = {
        "at": "2026-01-05T12:00:00Z", "keyName": "ops", "userId": str(uuid4()), "count": 7,
        "action": "dead_letters.redrive", "target": "q", "filter": {"error": "[x]"}, "reason": "r",
    }  # fmt: skip
    shown = read(show_entries({"entries": [entry], "next": None}))
    for told in ("ops", "dead_letters.redrive", "q error=[x]", "7"):
        assert told in shown
    assert "Nobody" in read(show_entries({"entries": [], "next": None}))


def test_usage_is_a_line_a_row_with_readable_sizes() -> None:
    row: JsonValue = {
        "name": None, "requests": 3, "memories": 2, "files": 1, "contentBytes": 3_000_000
    }  # fmt: skip
    assert "2.9 MiB" in read(show_usage({"by": "project", "rows": [row]}))
    assert "Nothing was sent or searched" in read(show_usage({"by": "day", "rows": []}))
    assert [size(n) for n in (0, 1023, 1024, 2**31)] == ["0 B", "1023 B", "1.0 KiB", "2.0 GiB"]


def test_projects_say_how_fresh_they_are_and_where_counting_stopped() -> None:
    shown = read(show_projects({"projects": [PROJECT]}))
    assert "10k+" in shown
    assert "stale, of" in shown
    assert "import" in read(show_projects({"projects": []}))


def test_a_project_tells_decisions_and_sources() -> None:
    more: dict[str, JsonValue] = {
        "memoriesIncluded": 6, "sources": [SOURCE for _ in range(6)],
        "openJobs": [],
        "decisions": [{"text": "We decided.", "source": SOURCE}],
        "activity": [{"day": "2026-01-05", "memories": 2}, {"day": "2026-01-06", "memories": 0}],
    }  # fmt: skip
    shown = read(show_project(PROJECT | more))
    for told in ("Active on 1 of the last 2 days", "We decided.", "We [chose]", "… and 1 more"):
        assert told in shown


def test_a_pattern_says_why_in_words_and_numbers_and_what_was_said() -> None:
    answer: JsonValue = {
        "id": "1", "type": "debugging", "name": "n", "projectName": "shop", "period": "2026",
        "confidence": 0.5, "frequency": 5, "metadata": {}, "reason": "Because [of] it.",
        "evidence": [], "facts": {"users": ["a", "b"], "largest": 6}, "related": [],
        "review": {"verdict": "dismissed", "note": "no", "reviewedBy": "ops",
                   "reviewedAt": "2026-01-05T12:00:00Z"},
    }  # fmt: skip
    shown = read(show_detail(answer))
    for told in ("Because [of] it.", "users: a, b", "largest: 6", "dismissed by ops", ": no"):
        assert told in shown


def test_a_rate_is_shown_with_what_is_likely_and_gaps_stay_gaps() -> None:
    weeks: list[JsonValue] = [
        {"week": f"2026-01-{5 + 7 * n:02}", "memories": memories, "matched": matched,
         "share": matched / memories if memories else None, "low": 0.12, "high": 0.449}
        for n, (matched, memories) in enumerate([(1, 4), (0, 0), (6, 12), (1, 12)])
    ]  # fmt: skip
    shown = read(show_rates({"rates": [{"type": "debugging", "weeks": weeks}]}))
    for told in ("▅ █▂", "50.0%", "12.0% to 44.9%", "6 of 12"):
        assert told in shown
    assert "No pattern" in read(show_rates({"rates": []}))


def test_what_goes_is_one_thing_and_its_name_is_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="one at a time"):
        read_target("shop", uuid4(), None)
    target = read_target("shop", None, None)
    assert target is not None
    monkeypatch.setattr("typer.prompt", typing("shop"))
    ask_for_name(target)
    monkeypatch.setattr("typer.prompt", typing("shpo"))
    with pytest.raises(UsageError, match="nothing was deleted"):
        ask_for_name(target)
