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
) -> None:
    """Train the activity model offline; without --out, print the figures of its card."""
    from cli.signals.card import card_of, measure
    from cli.signals.labelled import read_labelled
    from cli.signals.training import train

    read = read_labelled(labelled)
    if out is None:
        typer.echo(card_of(measure(read)))
    else:
        out.write_text(train(read).model_dump_json(indent=1, exclude_none=True) + "\n", "utf-8")
        typer.echo(f"{out}: trained on {len(read.episodes)} episodes, {len(read.commits)} commits")
