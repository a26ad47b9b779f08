"""Whether a request comes from our own pages, to a name of ours. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import urlsplit

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def is_same_origin(headers: Mapping[str, str], scheme: str) -> bool:
    """Return whether our own page sent it: `Sec-Fetch-Site` says so, or else `Origin`.

    Neither means no: a browser that sends neither is older than our pages' scripts.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    return headers.get("origin") == f"{scheme}://{headers.get('host', '')}"


def is_allowed_host(host: str, allowed: Collection[str]) -> bool:
    """Return whether the name in the `Host` header is one of ours, whatever the port.

    Else a page elsewhere whose name is made to point here could read ours (DNS rebinding).
    """
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    return name is not None and name in (allowed or LOOPBACK_NAMES)
