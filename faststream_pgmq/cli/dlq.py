"""The commands about dead letters: `faststream-pgmq dlq …`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from psycopg import AsyncConnection

from faststream_pgmq import dead_letters
from faststream_pgmq.cli.keeping import UNITS
from faststream_pgmq.cli.output import as_json, plain, show_table, to_json
from faststream_pgmq.cli.running import (
    MISUSED,
    NOT_FOUND,
    Dsn,
    Json,
    Progress,
    fail,
    run,
    run_long,
)
from faststream_pgmq.letters import ALL, Letter, LetterFilter

dlq = typer.Typer(help="Dead letters: look, put back, discard.", no_args_is_help=True)

Queue = Annotated[str, typer.Argument(help="Queue, without _dlq.", show_default=False)]
Ids = Annotated[list[int] | None, typer.Argument(help="Ids of dead letters.", show_default=False)]
Error = Annotated[str | None, typer.Option(help="Only this class of error.")]
Contains = Annotated[str | None, typer.Option(help="Only with this text in the error's message.")]
Group = Annotated[str | None, typer.Option(help="Only this group.")]
Since = Annotated[
    str | None, typer.Option(help="Dead since then: 90m, 2h, 7d, or 2026-01-31T12:00Z.")
]
Until = Annotated[str | None, typer.Option(help="Dead before then.")]
Every = Annotated[bool, typer.Option("--all", help="All of them.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say how many.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@dlq.command("list")
def list_letters(
    queue: Queue,
    error: Error = None,
    contains: Contains = None,
    group: Group = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    after: Annotated[int, typer.Option(help="Only higher ids: the next page.")] = 0,
    dsn: Dsn = "",
    json: Json = False,
) -> None:
    """List dead letters, lowest id first."""
    where = _filter(error, contains, group, since, until)
    letters = run(
        dsn, lambda conn: dead_letters.find_letters(conn, queue, where, limit=limit, after=after)
    )
    if json:
        as_json([_document(letter, brief=True) for letter in letters])
        return
    titles = ("id", "failed at", "group", "error", "message")
    show_table(titles, [_row(letter) for letter in letters])
    if len(letters) == limit:
        typer.echo(f"there may be more: --after {letters[-1].msg_id}", err=True)


@dlq.command()
def show(
    queue: Queue,
    msg_id: Annotated[int, typer.Argument(metavar="ID", help="Id of a dead letter.")],
    dsn: Dsn = "",
    json: Json = False,
) -> None:
    """Show one dead letter: report, traceback, headers and payload."""
    letter = run(dsn, lambda conn: dead_letters.get_letter(conn, queue, msg_id))
    if json:
        as_json(_document(letter))
        return
    report = {key: value for key, value in letter.report.items() if key != "traceback"}
    headers = {key: value for key, value in letter.headers.items() if key != "dead_letter"}
    for title, text in (
        ("failed at", letter.failed_at.isoformat()),
        ("trace", letter.trace_id or "none"),
        ("report", to_json(report)),
        ("traceback", letter.traceback or "none"),
        ("headers", to_json(headers)),
        ("payload", to_json(letter.message)),
    ):
        typer.echo(f"{title}: {plain(text)}")


@dlq.command()
def redrive(
    queue: Queue,
    ids: Ids = None,
    every: Every = False,
    error: Error = None,
    contains: Contains = None,
    group: Group = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
    rate: Annotated[float | None, typer.Option(min=0.001, help="At most so many a second.")] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    dsn: Dsn = "",
    json: Json = False,
) -> None:
    """Put dead letters back into their queue; they start again with no attempt used.

    In chunks of 1,000, each in its own transaction; those that fail again meanwhile stay.
    """
    where = _filter(error, contains, group, since, until)
    chosen = _Chosen(dsn, queue, ids, where, every=every, limit=limit)
    chosen.confirm("redrive", dry_run=dry_run, yes=yes or not every, note="")
    progress = Progress(chosen.count)

    def work(conn: AsyncConnection[Any]) -> Any:
        return dead_letters.redrive_letters(
            conn, queue, ids, where=where, limit=limit, rate=rate, on_progress=progress
        )

    chosen.finish("redriven", run_long(dsn, work, progress), json=json)


@dlq.command()
def discard(
    queue: Queue,
    ids: Ids = None,
    every: Every = False,
    error: Error = None,
    contains: Contains = None,
    group: Group = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete instead of moving to the archive.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    dsn: Dsn = "",
    json: Json = False,
) -> None:
    """Take dead letters out for good: into the archive of the dead letter queue."""
    where = _filter(error, contains, group, since, until)
    chosen = _Chosen(dsn, queue, ids, where, every=every, limit=limit)
    fate = "They are deleted." if delete else f"They stay in pgmq.a_{queue.lower()}_dlq."
    chosen.confirm("discard", dry_run=dry_run, yes=yes, note=fate)
    progress = Progress(chosen.count)

    def work(conn: AsyncConnection[Any]) -> Any:
        return dead_letters.discard_letters(
            conn, queue, ids, where=where, keep=not delete, limit=limit, on_progress=progress
        )

    chosen.finish("discarded", run_long(dsn, work, progress), json=json)


class _Chosen:
    """The dead letters that a command is about."""

    def __init__(
        self,
        dsn: str,
        queue: str,
        ids: list[int] | None,
        where: LetterFilter,
        *,
        every: bool,
        limit: int | None,
    ) -> None:
        if sum((bool(ids), where != ALL, every)) != 1:
            fail("say which: ids, or filters such as --error, or --all", MISUSED)
        self.queue = queue
        self.asked = None if ids is None else len(set(ids))
        self.count = self.asked or run(
            dsn, lambda conn: dead_letters.count_letters(conn, queue, where, at_most=limit)
        )

    def confirm(self, verb: str, *, dry_run: bool, yes: bool, note: str) -> None:
        """End the command here on a dry run, or when the answer is no."""
        if dry_run:
            typer.echo(f"would {verb} {self.count:,} dead letters of {self.queue}. {note}".rstrip())
            raise typer.Exit
        if self.count and not yes:
            question = f"{verb} {self.count:,} dead letters of {self.queue}? {note}".rstrip()
            typer.confirm(f"{question} (--yes answers this)", abort=True, err=True)

    def finish(self, verb: str, done: int, *, json: bool) -> None:
        """Say what was done; end with an error when ids were not there."""
        if json:
            as_json({verb: done})
        else:
            typer.echo(f"{verb} {done:,} dead letters of {self.queue}")
        if self.asked is not None and done < self.asked:
            fail(f"{self.asked - done} of {self.asked} were not there, or not any more", NOT_FOUND)


def _filter(
    error: str | None,
    contains: str | None,
    group: str | None,
    since: str | None,
    until: str | None,
) -> LetterFilter:
    return LetterFilter(
        error=error, contains=contains, group=group, since=_moment(since), until=_moment(until)
    )


def _moment(text: str | None) -> datetime | None:
    """Return a moment: so long ago, or an ISO 8601 time, by default in UTC."""
    if text is None:
        return None
    number, unit = text[:-1], text[-1:]
    try:
        if unit in UNITS and number.isdecimal():
            return datetime.now(UTC) - timedelta(seconds=int(number) * UNITS[unit])
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        fail(f"{text!r} is no time; write 90m, 2h, 7d or 2026-01-31T12:00Z", MISUSED)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _row(letter: Letter) -> tuple[str, ...]:
    failed_at = letter.failed_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    message = (letter.error_message or "")[:200]
    return (
        str(letter.msg_id), failed_at, letter.group or "", letter.error or "no report", message
    )  # fmt: skip


def _document(letter: Letter, *, brief: bool = False) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": letter.msg_id,
        "failed_at": letter.failed_at,
        "error": letter.error,
        "error_message": letter.error_message,
        "attempts": letter.report.get("attempts"),
        "group": letter.group,
        "trace_id": letter.trace_id,
    }
    if not brief:
        document |= {"message": letter.message, "headers": letter.headers}
    return document
