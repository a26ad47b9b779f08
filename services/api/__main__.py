"""Runs the API until SIGTERM."""

from __future__ import annotations

import gc
import logging
import socket
import sys
from typing import Final, cast

import uvicorn
from fastapi import FastAPI

from services.api.app import create_app, end_streams
from services.api.dashboard.secret import choose_secret
from services.api.http_protocol import BoundedHttp
from shared.errors import SettingsError
from shared.runtime import start_telemetry
from shared.settings import Settings

COLLECTION_THRESHOLDS: Final = (20_000, 10, 50)
"""A request of 100 chunks makes some 5,000 objects, and nearly all are freed without the collector.
So all that is left of some 2,000 such requests is looked through together."""

STOP_SECONDS: Final = 20
"""What requests that are under way get at a stop: a client that does not read must not keep it."""


def hide_query(record: logging.LogRecord) -> bool:
    """Cut the query off the path in uvicorn's line for a request: a search is content."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            arg.partition("?")[0] if isinstance(arg, str) else arg for arg in record.args
        )
    return True


def spare_garbage_collector() -> None:
    """Let the garbage collector look at what requests leave, not at the whole program each time.

    A complete collection of all that was imported stops every request for some 200 ms, and
    Python's own thresholds have one every few dozen requests of 100 chunks.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTION_THRESHOLDS)


class StreamEndingServer(uvicorn.Server):
    """Ends live streams before it waits for open connections, or it would wait for ever."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop serving."""
        end_streams(cast(FastAPI, self.config.app))
        await super().shutdown(sockets)


class ApiServer(StreamEndingServer):
    """Has the process to itself."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start serving."""
        await super().startup(sockets)
        spare_garbage_collector()


def main() -> None:
    """Serve on the address that the settings name."""
    try:
        settings = Settings.load()
        choose_secret(settings)  # before anything is started
    except SettingsError as error:
        sys.exit(str(error))
    logging.getLogger("uvicorn.access").addFilter(hide_query)
    app = create_app(settings, start_telemetry("api", settings))
    config = uvicorn.Config(
        app,
        host=settings.http_host,
        port=settings.http_port,
        log_level=settings.log_level.lower(),
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
        http=BoundedHttp,
    )
    ApiServer(config).run()


if __name__ == "__main__":
    main()
