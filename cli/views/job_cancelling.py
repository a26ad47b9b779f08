"""Jobs that are cancelled, one or several: each is told of."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import typer
from pydantic import JsonValue

from cli.api_client import ApiClient
from cli.errors import CommandError
from cli.terminal import err, out, plain, print_json
from cli.views.jobs import Answer


class Cancelled(Answer):
    """What became of a job's messages."""

    cancelled: int
    running: int


def cancel_one(client: ApiClient, job_id: UUID, reason: str, *, as_json: bool) -> None:
    """Cancel one job, and say what became of it.

    Raises:
        ApiUnreachableError, ApiRefusedError
    """
    answer = _cancel(client, job_id, reason)
    if as_json:
        print_json(answer)
    else:
        out().print(plain(describe(answer)))


def cancel_each(client: ApiClient, job_ids: Sequence[UUID], reason: str, *, as_json: bool) -> None:
    """Cancel several jobs, and say what became of each; ends with code 1 where one failed."""
    answers: list[JsonValue] = []
    failed = 0
    for job_id in job_ids:
        try:
            answer = _cancel(client, job_id, reason)
        except CommandError as error:
            failed += 1
            answers.append({"id": str(job_id), "error": error.problem})
            err().print(plain(f"{job_id}: {error.problem}", "red"), soft_wrap=True)
            continue
        answers.append(answer)
        if not as_json:
            out().print(plain(f"{job_id}: {describe(answer)}"))
    if as_json:
        print_json(answers)
    if failed:
        raise typer.Exit(1)


def describe(answer: JsonValue) -> str:
    """Return what became of a job that was cancelled."""
    done = Cancelled.model_validate(answer)
    in_hand = f"; {done.running:,} in hand are finished, not tried again" if done.running else ""
    if not done.cancelled and not done.running:
        return "Nothing was left to cancel."
    return f"Cancelled {done.cancelled:,} messages{in_hand}."


def _cancel(client: ApiClient, job_id: UUID, reason: str) -> JsonValue:
    return client.post(f"/api/jobs/{job_id}/cancel", {"reason": reason})
