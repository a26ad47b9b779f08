"""Dead letters, groups of them, and operations, as tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.terminal import Indented, err, local_time_of, plain, shorten

BARS: Final = " ▁▂▃▄▅▆▇█"
FRAMES_SHOWN: Final = 12
STATE_COLOURS: Final = {"done": "green", "failed": "red", "cancelled": "yellow"}
RAW: Final = {"queue", "id", "headers", "traceback", "payload"}
RAW_CHARACTERS: Final = 50_000
Json = Mapping[str, Any]


def show_answer(answer: object) -> RenderableType:
    """Return an answer of the API about dead letters, whatever it is about."""
    found = cast(Json, answer)
    if "groups" in found:
        return show_groups(found)
    if "letters" in found:
        return show_letters(found)
    if "operations" in found:
        return show_operations(found["operations"], found["next"])
    if "samples" in found:
        return _preview(found)
    if set(found) == RAW:
        return _raw(found)
    return _letter(found) if "payloadBytes" in found else show_operations([found], None)


def show_preview(seen: Json, *, to_error: bool) -> None:
    """Print which letters an operation would be about, where no pipe reads it."""
    if to_error:
        err().print(_preview(seen))


def has_failed(operation: Json) -> bool:
    """Return whether an operation ended without doing what was asked."""
    return operation["state"] == "failed"


def show_groups(page: Json) -> RenderableType:
    """Return a table of groups."""
    if not page["groups"]:
        return plain("No dead letters. Nothing failed for good.", "green")
    table = _table("group", "queue", ("letters", "right"), "last seen", "last 24 parts", "what")
    for group in page["groups"]:
        capped = "+" if group["count"] >= page["countedAtMost"] else ""
        what = f"{group['error']}: {shorten(group['title'], 100)}"
        table.add_row(
            group["fingerprint"],
            group["queue"],
            f"{group['count']:,}{capped}",
            local_time_of(group["lastSeen"]),
            sparkline(group["bars"]),
            plain(what) + plain(f"\n{group['frame']}" if group["frame"] else "", "dim"),
        )
    return Group(table, *_more(page["next"]))


def show_letters(page: Json) -> RenderableType:
    """Return a table of dead letters."""
    if not page["letters"]:
        return plain("No dead letters match.")
    return Group(_letters(page["letters"]), *_more(page["next"]))


def show_operations(operations: list[Json], following: str | None) -> RenderableType:
    """Return a table of operations."""
    if not operations:
        return plain("No redrive or discard yet.")
    table = _table("operation", "kind", "queue", "state", ("done", "right"), "by", "reason")
    for one in operations:
        state = Text(one["state"], style=STATE_COLOURS.get(one["state"], ""))
        gone = f", {one['skipped']:,} skipped" if one["skipped"] else ""
        done = f"{one['done']:,}/{one['total']:,}{gone}"
        by, reason = plain(one["requestedBy"]), plain(shorten(one["reason"], 80))
        table.add_row(one["id"], one["kind"], one["queue"], state, done, by, reason)
    problems = [plain(f"{one['id']}: {one['error']}", "red") for one in operations if one["error"]]
    return Group(table, *problems, *_more(following))


def sparkline(counts: list[int]) -> str:
    """Return bars, the highest of them full; what is not nothing is seen."""
    highest = max(counts, default=0) or 1
    return "".join(BARS[-(-count * (len(BARS) - 1) // highest)] for count in counts)


def _preview(seen: Json) -> RenderableType:
    count = f"{seen['count']:,}{' or more' if seen['isCapped'] else ''} dead letters"
    return Group(plain(count, "bold"), *([_letters(seen["samples"])] if seen["samples"] else []))


def _letter(letter: Json) -> RenderableType:
    facts = {
        "queue": f"{letter['queue']}/{letter['id']}",
        "died": local_time_of(letter["diedAt"]),
        "attempts": letter["attempts"],
        "group": letter["fingerprint"],
        "job": letter["jobId"],
        "trace": letter["traceId"],
        "release": letter["release"],
    }
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in facts.items():
        if value is not None:
            table.add_row(name, plain(str(value)))
    payload = letter["payloadExcerpt"] or json.dumps(
        letter["payload"], ensure_ascii=False, indent=2
    )
    size = plain(f"\npayload, {letter['payloadBytes']:,} bytes", "bold")
    return Group(
        plain(f"{letter['error']}: {letter['message']}", "bold red"),
        table,
        *_errors(letter),
        size,
        Indented(plain(payload), 2),
    )


def _raw(letter: Json) -> RenderableType:
    shown: list[RenderableType] = [plain(f"{letter['queue']}/{letter['id']}, secrets included")]
    for name in ("payload", "headers"):
        text = json.dumps(letter[name], ensure_ascii=False, indent=2)
        shown += [plain(f"\n{name}", "bold"), Indented(plain(text[:RAW_CHARACTERS]), 2)]
        if len(text) > RAW_CHARACTERS:
            shown.append(plain(f"… {len(text):,} characters; --json prints all of them", "dim"))
    if letter["traceback"]:
        end = letter["traceback"][-RAW_CHARACTERS:]
        shown += [plain("\ntraceback", "bold"), Indented(plain(end), 2)]
    return Group(*shown)


def _errors(letter: Json) -> Iterator[RenderableType]:
    shown = 0
    for section in letter["errors"]:
        yield plain(f"\n{section['error']}", "red")
        for frame in section["frames"][: max(FRAMES_SHOWN - shown, 0)]:
            shown += 1
            style = "bold" if frame["isOwn"] else "dim"
            call = f"{frame['file']}:{frame['line']} in {frame['name']}"
            yield Indented(plain(call, style) + plain(f"\n  {frame['code']}", "dim"), 2)
    found = sum(len(section["frames"]) for section in letter["errors"]) + letter["framesOmitted"]
    if found > shown:
        yield plain(f"… {found - shown:,} older calls: --json, or the page", "dim")


def _letters(letters: list[Json]) -> Table:
    table = _table("queue", ("id", "right"), "died", ("attempts", "right"), "what")
    for letter in letters:
        what = f"{letter['error']}: {shorten(letter['message'], 120)}"
        attempts = "–" if letter["attempts"] is None else str(letter["attempts"])
        died = local_time_of(letter["diedAt"])
        table.add_row(letter["queue"], str(letter["id"]), died, attempts, plain(what))
    return table


def _table(*headings: str | tuple[str, str]) -> Table:
    table = Table(box=None, pad_edge=False)
    for number, heading in enumerate(headings, 1):
        name, justify = (heading, "left") if isinstance(heading, str) else heading
        is_last = number == len(headings)
        side = "right" if justify == "right" else "left"
        table.add_column(name, no_wrap=not is_last, justify=side)
    return table


def _more(following: str | None) -> list[Text]:
    return [plain(f"There are older ones: --before {following}", "dim")] if following else []
