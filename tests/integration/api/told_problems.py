"""What every error answer holds: RFC 9457, and the old fields."""

from __future__ import annotations

from typing import Any, Final

import httpx

STANDARD: Final = {"type", "title", "status", "detail", "instance"}


def read_problem(answer: httpx.Response) -> dict[str, Any]:
    """Return the old fields of an error, `{error, details?}`; the rest must be as RFC 9457 says."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    told = answer.json()
    old = {name: value for name, value in told.items() if name not in STANDARD}
    assert told.keys() >= STANDARD
    assert old.keys() <= {"error", "details"}
    assert (told["status"], told["detail"]) == (answer.status_code, old["error"])
    assert told["type"] == "about:blank" or told["type"].startswith("/problems/")
    assert answer.request.url.raw_path.decode().startswith(told["instance"][:50])
    return old
