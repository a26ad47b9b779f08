"""`supastate calibrate`: what the detectors' thresholds mean to the configured embedder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def calibrate(
    path: Annotated[
        Path | None,
        typer.Argument(
            exists=True,
            show_default="the workspace's own memories",
            help="JSON Lines of memories, or a folder of Claude Code sessions.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure the embedder's cosines on memories, and print what to configure.

    Give it texts like those that it will embed: a few hundred memories of ten sessions or more.
    """
    from dataclasses import asdict

    from cli import calibrating
    from cli.terminal import out, print_json

    found = calibrating.calibrate(path)
    if as_json:
        print_json({**asdict(found), "setting": found.setting()})
    else:
        out().print(calibrating.show(found), soft_wrap=True)
