"""Reports, patterns and memories as text."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import JsonValue
from rich.console import Console, RenderableType

from cli.demo.input import find_sources
from cli.graph_query import parse_parameters, show_rows
from cli.importing.report import show_report
from cli.importing.tally import Tally
from cli.terminal import plain, shorten
from cli.views.graph import show_neighbours
from cli.views.patterns import show_patterns
from cli.views.search import show_results
from cli.views.summaries import show_summaries
from shared.sources.records import ImportProblem
from tests.unit.cli.records import chunk

PATTERN: JsonValue = {
    "id": "1",
    "type": "debugging",
    "name": "debugging-session-semantic",
    "projectName": "shop",
    "period": "2026-W02",
    "confidence": 0.456,
    "frequency": 5,
    "metadata": {"reason": "5 memories of shop carry the debugging signal."},
    "evidence": [
        {
            "id": str(number),
            "kind": "Memory",
            "sessionId": None,
            "occurredAt": "2026-01-05T12:00:00Z",
            "excerpt": f"error {number}",
        }
        for number in range(5)
    ],
}


def read(shown: RenderableType, width: int = 100) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(shown)
    return captured.get()


def test_a_report_names_what_was_read_sent_and_skipped() -> None:
    tally = Tally("git history", queued=2, unchanged=1)
    list(tally.watch([chunk("a"), chunk("b", session="s2"), chunk("c", project="other")]))
    tally.reading.dropped["empty files"] = 4

    assert read(show_report(tally)) == (
        "Git history: 2 sessions, 3 prompts, 3 memories, 2 projects → 2 queued, 1 unchanged\n"
        "  skipped: 4 empty files\n"
    )


def test_a_report_shows_the_first_problems_and_counts_the_rest() -> None:
    problems = [ImportProblem("a.jsonl", line, "message", "no text") for line in range(1, 26)]

    shown = read(show_report(Tally("sessions", problems=problems)))

    assert shown.count("no text") == 20
    assert "and 5 more; --json lists all" in shown


def test_a_pattern_is_shown_with_its_reason_and_some_of_its_evidence() -> None:
    shown = read(show_patterns({"patterns": [PATTERN], "count": 1}))

    assert "0.46 debugging debugging-session-semantic · shop · 2026-W02 · 5×" in shown
    assert "5 memories of shop carry the debugging signal." in shown
    assert "error 2" in shown
    assert "… and 2 more" in shown


@pytest.mark.parametrize(
    ("shown", "hint"),
    [
        (show_patterns({"patterns": [], "count": 0}), "--detect"),
        (show_summaries({"summaries": [], "count": 0}), "No summaries yet"),
        (show_results({"results": [], "next": None, "query": "x"}), "Nothing found for “x”"),
    ],
)
def test_an_empty_answer_says_so(shown: RenderableType, hint: str) -> None:
    assert hint in read(shown)


HIT: dict[str, JsonValue] = {
    "kind": "memory",
    "id": "m1",
    "title": "[red]word",
    "projectName": "shop",
    "sessionId": "s",
    "language": None,
    "occurredAt": "2026-01-05T12:00:00Z",
    "similarity": 0.5,
    "snippet": {
        "text": "[red]word " * 25,
        "highlights": [[5, 9]],
        "isCutBefore": False,
        "isCutAfter": True,
    },
    "why": {
        "meaning": {"rank": 2},
        "words": {"rank": 1, "words": ["word"]},
        "graph": {"rank": 3, "ties": [{"tie": "mentioned_in", "title": "why it \x1b[2J fails"}]},
    },
}


def test_a_found_memory_fits_a_narrow_terminal_and_leaves_no_blanks() -> None:
    answer: JsonValue = {"results": [HIT], "query": "x", "next": "c1"}
    lines = read(show_results(answer), width=40).splitlines()

    assert max(map(len, lines)) <= 40
    assert "0.50 memory shop" in lines[0]
    assert any("[red]word" in line for line in lines)
    assert "--after c1" in lines[-1]


def test_a_result_says_why_it_was_found() -> None:
    answer: JsonValue = {"results": [HIT], "query": "x", "next": None}
    shown = read(show_results(answer, with_why=True))

    assert "words, place 1: word" in shown
    assert "meaning, place 2" in shown
    assert "graph: mentioned in “why it \N{REPLACEMENT CHARACTER}[2J fails”" in shown


def test_a_neighbourhood_is_a_tree_with_what_is_left_out() -> None:
    node: dict[str, JsonValue] = {"kind": "code", "id": "c1", "title": "a.py", "at": None}
    said: dict[str, JsonValue] = {"kind": "memory", "id": "m1", "title": "[b]x", "at": None}
    answer: JsonValue = {
        "centre": node,
        "neighbours": [{"edge": "discussed_in", "node": said, "methods": ["tool_path"]}],
        "counts": [
            {"edge": "discussed_in", "total": 10_001, "more": 10_000, "isAtLeast": True},
            {"edge": "imports", "total": 0, "more": 0, "isAtLeast": False},
        ],
    }
    shown = read(show_neighbours(answer))

    assert "is mentioned in (10,001+)" in shown
    assert "memory [b]x · m1 · tool_path" in shown
    assert "+10,000+ more" in shown
    assert "imports" not in shown


def test_foreign_text_cannot_move_the_cursor() -> None:
    assert (
        plain("\x1b[2Jgone\x07").plain
        == "\N{REPLACEMENT CHARACTER}[2Jgone\N{REPLACEMENT CHARACTER}"
    )


def test_a_long_text_is_cut_on_one_line() -> None:
    assert shorten("one\n two  three", 8) == "one two…"


def test_parameters_of_a_query_are_json_or_text() -> None:
    assert parse_parameters(["limit=5", "name=anna", 'names=["a"]', "equation=a=b"]) == {
        "limit": 5,
        "name": "anna",
        "names": ["a"],
        "equation": "a=b",
    }


def test_a_vector_in_a_row_is_shown_by_its_length(capsys: pytest.CaptureFixture[str]) -> None:
    vector: list[JsonValue] = [0.5] * 256

    show_rows([{"m": {"embedding": vector, "name": "a"}}], as_json=False)

    assert '{"embedding": "256 numbers", "name": "a"}' in capsys.readouterr().out


def test_the_demo_says_plainly_that_there_are_no_sessions(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.py").write_text("x = 1\n")

    sources = find_sources(None, tmp_path)

    said = " ".join(capsys.readouterr().out.split())
    assert [source.title for source in sources] == ["source files"]
    assert "No git history" in said
    assert "No Claude Code sessions in ~/.claude/projects" in said
