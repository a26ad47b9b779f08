"""The checks of what is around the servers: the API and its key, traces, room on the disk."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cli.api_client import ApiClient, ApiRefusedError, ApiUnreachableError
from cli.connection import find_api
from cli.doctor.findings import Finding, judge
from cli.errors import CommandError
from cli.local_stack.home import find_home

ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
GIBIBYTE: Final = 2**30
LEAST_FREE_BYTES: Final = 2 * GIBIBYTE
CONNECT_SECONDS: Final = 3.0


def examine_api() -> Finding:
    """Return whether the API answers to the key at hand."""
    try:
        address = find_api()
        with ApiClient(address) as client:
            client.get("/api/jobs", {"limit": 1})
    except ApiUnreachableError as error:
        return Finding("API", "answers", "failed", error.problem, error.next_step)
    except ApiRefusedError as error:
        mend = "`supastate keys create` makes a new key."
        return Finding("API", "answers", "failed", error.problem, error.next_step or mend)
    except CommandError as error:
        return Finding("API", "answers", "skipped", error.problem, error.next_step)
    return Finding("API", "answers", "ok", f"{address.url} takes this key")


def examine_traces() -> Finding:
    """Return whether somebody takes spans where the environment says."""
    url = os.environ.get(ENDPOINT)
    if not url:
        found = f"{ENDPOINT} is not set; spans are kept in Postgres only"
        return Finding("traces", "collector", "skipped", found)
    parts = urlsplit(url if "//" in url else f"//{url}")
    try:
        address = (parts.hostname or "", parts.port or 4317)
        socket.create_connection(address, CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        mend = f"Start the collector (Jaeger takes OTLP at 4317), or mend {ENDPOINT}."
        return Finding("traces", "collector", "warning", f"{url}: {error}", mend)
    return Finding("traces", "collector", "ok", f"{url} answers")


def examine_disk(folder: Path | None = None) -> Finding:
    """Return how much room is left where the local stack lies."""
    place = folder or find_home().root
    while not place.exists():
        place = place.parent
    return judge_disk(shutil.disk_usage(place).free)


def judge_disk(free: int) -> Finding:
    """Return whether so many bytes are enough."""
    return judge(
        "machine", "disk", good=free >= LEAST_FREE_BYTES, bad="warning",
        found=f"{free / GIBIBYTE:,.1f} GiB free",
        mend="Neo4j stops writing on a full disk; free some room, or move SUPASTATE_HOME.",
    )  # fmt: skip
