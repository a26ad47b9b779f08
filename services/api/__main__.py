"""Runs the API until SIGTERM."""

from __future__ import annotations

import logging
import sys

import uvicorn

from services.api.app import create_app
from services.api.dashboard.secret import choose_secret
from shared.errors import SettingsError
from shared.runtime import start_telemetry
from shared.settings import Settings


def hide_query(record: logging.LogRecord) -> bool:
    """Cut the query off the path in uvicorn's line for a request: a search is content."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            arg.partition("?")[0] if isinstance(arg, str) else arg for arg in record.args
        )
    return True


def main() -> None:
    """Serve on the address that the settings name."""
    try:
        settings = Settings.load()
        choose_secret(settings)  # before anything is started
    except SettingsError as error:
        sys.exit(str(error))
    logging.getLogger("uvicorn.access").addFilter(hide_query)
    app = create_app(settings, start_telemetry("api", settings))
    uvicorn.run(
        app,
        host=settings.http_host,
        port=settings.http_port,
        log_level=settings.log_level.lower(),
        server_header=False,
    )


if __name__ == "__main__":
    main()
