"""How figures and times read on a page. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from starlette.datastructures import URL

CAPPED_AT: Final = 10_000
"""Counts beyond this are not counted on; 10,001 stands for "more"."""
_STEPS: Final = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s"))
_BYTES: Final = ("B", "kB", "MB", "GB", "TB")
NOTHING: Final = "–"


def duration(milliseconds: float | None) -> str:
    """Return a duration with the unit that suits its size: `3.4 ms`, `12.1 s`, `4 min`."""
    if milliseconds is None:
        return NOTHING
    seconds = milliseconds / 1000
    if milliseconds < 999.5:  # what rounds to a second is one
        return f"{milliseconds:.0f} ms" if milliseconds >= 10 else f"{milliseconds:.1f} ms"
    size, unit = next((step for step in _STEPS if seconds >= step[0]), _STEPS[-1])
    value = seconds / size
    return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"


def age(moment: datetime | None) -> str:
    """Return how long ago something was."""
    if moment is None:
        return NOTHING
    return duration(max(0.0, (datetime.now(UTC) - moment).total_seconds()) * 1000)


def count(number: int | None, cap: int = CAPPED_AT) -> str:
    """Return a count with separators; `10k+` where counting stopped."""
    if number is None:
        return NOTHING
    return f"{cap // 1000}k+" if number > cap else f"{number:,}"


def size(number_of_bytes: int | None) -> str:
    """Return a size in the unit that suits it, of 1000 each."""
    if number_of_bytes is None:
        return NOTHING
    value, power = float(number_of_bytes), 0
    while value >= 1000 and power < len(_BYTES) - 1:
        value, power = value / 1000, power + 1
    return f"{value:.0f} {_BYTES[power]}" if power == 0 else f"{value:.1f} {_BYTES[power]}"


def percent(share: float | None) -> str:
    """Return a share of 1 as a percentage."""
    return NOTHING if share is None else f"{100 * share:.1f} %"


def iso(moment: datetime) -> str:
    """Return a time as `<time datetime>` needs it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def utc(moment: datetime) -> str:
    """Return a time as it reads until the script puts it into the reader's zone."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def with_query(url: URL, **changes: Any) -> str:
    """Return the path with its query changed; None takes a name out. Other names stay."""
    changed = url.remove_query_params([name for name, value in changes.items() if value is None])
    changed = changed.include_query_params(
        **{name: value for name, value in changes.items() if value is not None}
    )
    return f"{changed.path}?{changed.query}" if changed.query else changed.path


def service_name(service: str) -> str:
    """Return a service's name as people call it."""
    return service.removeprefix("supastate-")


def service_pair(service: str) -> tuple[str, str]:
    """Return a service as an option of a choice."""
    return service, service_name(service)


def excerpt(value: object, most: int = 500) -> str:
    """Return a value as text, cut where it is longer."""
    text = str(value)
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


def query(**names: Any) -> str:
    """Return a query string of the names that have a value."""
    return urlencode({name: value for name, value in names.items() if value not in (None, "")})


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "duration": duration,
    "age": age,
    "count": count,
    "size": size,
    "percent": percent,
    "iso": iso,
    "utc": utc,
    "service_name": service_name,
    "service_pair": service_pair,
    "excerpt": excerpt,
}
