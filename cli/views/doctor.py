"""How findings look: a sign, a word, and what to do."""

from __future__ import annotations

from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from cli.doctor.findings import Finding, State
from cli.terminal import plain

SIGNS: Final[dict[State, tuple[str, str]]] = {
    "ok": ("✓", "green"),
    "warning": ("!", "yellow"),
    "failed": ("✗", "red"),
    "skipped": ("–", "dim"),
}
NAME_WIDTH: Final = 24


def show_finding(finding: Finding) -> RenderableType:
    """Return one line, and a second one where something is to be done."""
    sign, style = SIGNS[finding.state]
    name = f"{finding.area} {finding.check}".ljust(NAME_WIDTH)
    line = Text.assemble((sign, style), " ", name, " ", plain(finding.found))
    if not finding.mend or finding.state == "ok":
        return line
    return Group(line, Text.assemble("  ", ("→ ", style), plain(finding.mend)))
