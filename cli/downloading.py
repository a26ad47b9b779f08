"""Copies what the API gives out as a file to standard output."""

from __future__ import annotations

import sys


def print_file(path: str) -> None:
    """Write a file of the API to standard output, byte by byte as it is.

    Raises:
        ApiUnreachableError, ApiRefusedError
    """
    from cli.api_client import ApiClient
    from cli.connection import find_api

    with ApiClient(find_api()) as client:
        for piece in client.download(path, {}):
            sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
