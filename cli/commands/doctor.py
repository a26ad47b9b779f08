"""`supastate doctor`: looks at every part, and says how to mend what is wrong."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cli.doctor import Finding


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check servers, migrations, indexes, rights, wake-ups, clocks and disk. Changes nothing."""
    from cli.terminal import print_json

    findings = asyncio.run(_run(show=not as_json))
    if as_json:
        print_json([finding.as_json() for finding in findings])
    if any(finding.state == "failed" for finding in findings):
        raise typer.Exit(1)


async def _run(*, show: bool) -> list[Finding]:
    from cli.doctor import examine
    from cli.terminal import out
    from cli.views.doctor import show_finding

    findings: list[Finding] = []
    async for finding in examine():
        findings.append(finding)
        if show:
            out().print(show_finding(finding))
    return findings
