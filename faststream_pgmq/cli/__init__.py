"""The command `faststream-pgmq`: looks after queues. Needs the extra `cli`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command, or say what is missing."""
    try:
        from faststream_pgmq.cli.app import app
    except ModuleNotFoundError as error:
        if error.name != "typer":
            raise
        sys.exit("faststream-pgmq needs typer: pip install 'faststream-pgmq[cli]'")
    app()
