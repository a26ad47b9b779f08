"""`supastate rebuild`: what the graph lacks, or holds by older rules, is made again."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.commands.keys import Workspace


def rebuild(
    workspace: Workspace = None,
    every_workspace: Annotated[
        bool, typer.Option("--every-workspace", help="All that Postgres holds.")
    ] = False,
    project: Annotated[str | None, typer.Option(help="Only this project.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what is as the rules of today make it.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and queue nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Queue memories and files whose place in Neo4j is missing or out of date.

    After Neo4j was lost, or a new version knows new signals; after another embedder, with --all.
    Nothing is queued twice, and it may be broken off. `supastate jobs` shows how far it is.
    """
    from dataclasses import asdict

    from cli import rebuilding
    from cli.terminal import out, print_json
    from shared.rebuild import Wanted

    wanted = Wanted(project, everything=everything, dry_run=dry_run)
    done = rebuilding.rebuild_workspaces(workspace, wanted, every=every_workspace)
    if as_json:
        print_json([{**asdict(one), "job_id": str(one.job_id)} for one in done])
    else:
        out().print(rebuilding.show(done))
