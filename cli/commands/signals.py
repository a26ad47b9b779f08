"""`supastate signals`: what memories are about, line by line."""

from __future__ import annotations

from typing import Annotated

import typer


def signals(
    judge: Annotated[
        bool, typer.Option("--judge", help="Ask the model that SUPASTATE_SIGNAL_MODEL names.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Lines are JSON in any case.")] = False,
) -> None:
    """Read lines {id, content, metadata?}, write {id, debugging, refactoring, learning}.

    From standard input to standard output, in order, with calibrated probabilities. A line that
    cannot be answered is named on standard error; the others are answered, and the exit code is 1.
    docs/model-card-activity.md says from which probability on a memory carries a signal.
    """
    del as_json
    import sys

    from cli.signals.answering import answer_lines
    from cli.signals.judging import find_judge

    failed = total = 0
    for answer in answer_lines(sys.stdin.buffer, find_judge(asked_for=judge)):
        total += 1
        failed += answer.is_problem
        if answer.is_problem:
            typer.echo(f"line {answer.number}: {answer.text}", err=True)
        else:
            sys.stdout.write(answer.text + "\n")
            sys.stdout.flush()  # a reader of the pipe waits for this line
    if failed:
        typer.echo(f"{failed} of {total} lines are not answered.", err=True)
        raise typer.Exit(1)
