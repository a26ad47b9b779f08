"""Copies an export from the API, piece by piece."""

from __future__ import annotations

from typing import BinaryIO

from cli.api_client import ApiClient, Params


def write_lines(client: ApiClient, wanted: Params, file: BinaryIO) -> int:
    """Copy an export and return how many lines it has.

    Raises:
        ApiUnreachableError, ApiRefusedError
    """
    lines = 0
    for piece in client.download("/api/export", wanted):
        file.write(piece)
        lines += piece.count(b"\n")
    file.flush()
    return lines
