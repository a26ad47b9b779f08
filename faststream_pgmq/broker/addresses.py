"""Where a broker connects to, as its AsyncAPI document may say it: never with a password."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from psycopg import conninfo, pq


def server_urls(dsn: str) -> list[str]:
    """Return one URL for each host of a connection string, with what libpq adds to it.

    libpq tries the hosts in this order. A socket's folder is written as in libpq's own URLs.
    """
    given = {**_defaults(), **conninfo.conninfo_to_dict(dsn)}
    hosts = _several(given, "host") or _several(given, "hostaddr") or ["localhost"]
    ports = _several(given, "port") or ["5432"]
    if len(ports) == 1:
        ports *= len(hosts)
    path = _database(given)
    return [
        f"postgresql://{_host(host)}:{port or '5432'}/{path}"
        for host, port in zip(hosts, ports, strict=False)
    ]


def without_secrets(url: str) -> str:
    """Return a URL without user, password and options; any of them may be secret."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _defaults() -> dict[str, str]:
    # What the environment says (PGHOST and so on), and what was compiled into libpq.
    known = {one.keyword.decode(): one.val for one in pq.Conninfo.get_defaults()}
    names = ("host", "hostaddr", "port", "dbname")
    return {name: value.decode() for name in names if (value := known.get(name)) is not None}


def _several(given: dict[str, Any], name: str) -> list[str]:
    value = given.get(name)
    return str(value).split(",") if value else []


def _host(host: str) -> str:
    if host.startswith(("/", "@")):
        return quote(host, safe="")
    return f"[{host}]" if ":" in host else host or "localhost"


def _database(given: dict[str, Any]) -> str:
    name = str(given.get("dbname") or "")
    # Some write a whole connection string there; libpq would not take it, and it holds a password.
    return "" if "://" in name or "=" in name else quote(name, safe="")
