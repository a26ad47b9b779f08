"""`supastate train-signals`: train the activity model, or print how good it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def train_signals(
    labelled: Annotated[
        Path, typer.Option(help="Folder with episodes.jsonl.gz and commits.jsonl.gz.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Write the weights to this file.", dir_okay=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Train the activity model offline; without --out, print the figures of its card."""
    from cli.signals.card import card_of, dump_figures, measure
    from cli.signals.labelled import read_labelled
    from cli.signals.training import train
    from cli.terminal import print_json

    read = read_labelled(labelled)
    if out is None:
        figures = measure(read)
        print_json(dump_figures(figures)) if as_json else typer.echo(card_of(figures))
        return
    out.write_text(train(read).model_dump_json(indent=1, exclude_none=True) + "\n", "utf-8")
    episodes, commits = len(read.episodes), len(read.commits)
    if as_json:
        print_json({"out": str(out), "episodes": episodes, "commits": commits})
    else:
        typer.echo(f"{out}: trained on {episodes} episodes, {commits} commits")
