"""Where commands write: answers to stdout, progress and errors to stderr."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import datetime
from io import TextIOWrapper
from os import environ
from typing import Final

from pydantic import JsonValue
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text

WIDTH_IN_A_PIPE: Final = 120
"""Rich's own choice, 80, breaks lines that a reader of the pipe wants to search."""


def out() -> Console:
    """Return the console of answers; has no colours and a fixed width in a pipe."""
    return _console(stderr=False)


def err() -> Console:
    """Return the console of progress and errors."""
    return _console(stderr=True)


def print_json(value: JsonValue) -> None:
    """Write JSON and nothing else to stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def print_json_line(value: JsonValue) -> None:
    """Write JSON as one line, at once: a reader of the pipe waits for it."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def local_time(moment: datetime | None) -> str:
    """Return a time as a clock of this time zone shows it."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M") if moment else "–"


def local_time_of(value: JsonValue) -> str:
    """Return an ISO 8601 text as a local time; other text as it is."""
    try:
        return local_time(datetime.fromisoformat(str(value))) if value else "–"
    except ValueError:
        return str(value)


def plain(text: str, style: str = "") -> Text:
    """Return foreign text as it is: no markup, nothing that moves the cursor."""
    shown = (c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)
    return Text("".join(shown), style=style)


def shorten(text: str, length: int) -> str:
    """Return the text on one line, cut at `length` characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


@dataclass(frozen=True, slots=True)
class Indented:
    """Something set in from the left; leaves no blanks at the ends of lines, unlike Padding."""

    inner: RenderableType
    columns: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        narrower = options.update_width(max(options.max_width - self.columns, 1))
        for line in console.render_lines(self.inner, narrower, pad=False):
            yield Segment(" " * self.columns)
            yield from line
            yield Segment.line()


def accept_any_character() -> None:
    """Let a terminal that lacks a character show `?` instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in environ else WIDTH_IN_A_PIPE
    return Console(stderr=stderr, width=width, highlight=False)
