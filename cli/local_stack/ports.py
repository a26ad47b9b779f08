"""Free ports on the loopback address."""

import os
import random
import socket
from collections.abc import Collection

from cli.local_stack.errors import PortsExhaustedError, StackError

LOOPBACK = "127.0.0.1"

# Below the range from which Linux (32768) and macOS (49152) take ports for outgoing connections:
# a port from there may be gone again between the choice and the start.
DEFAULT_RANGE = (21000, 21999)


def is_free(port: int) -> bool:
    """Return whether a server may listen on `port` now."""
    with socket.socket() as probe:
        # As the servers do: a closed connection in TIME_WAIT does not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def choose_port(remembered: int | None, reserved: Collection[int]) -> int:
    """Return the remembered port when it is free, else any free one that is not `reserved`.

    Raises:
        PortsExhaustedError: nothing is free in the range.
    """
    if remembered is not None and remembered not in reserved and is_free(remembered):
        return remembered
    first, last = read_range()
    candidates = [port for port in range(first, last + 1) if port not in reserved]
    # Two stacks that start together should not reach for the same port.
    random.shuffle(candidates)
    for port in candidates:
        if is_free(port):
            return port
    raise PortsExhaustedError(first, last)


def read_range() -> tuple[int, int]:
    """Return SUPASTATE_PORT_RANGE ("first-last") or the default."""
    text = os.environ.get("SUPASTATE_PORT_RANGE")
    if not text:
        return DEFAULT_RANGE
    first, _, last = text.partition("-")
    if first.isdecimal() and last.isdecimal() and 1024 <= int(first) <= int(last) <= 65535:
        return int(first), int(last)
    raise StackError(
        f"SUPASTATE_PORT_RANGE is {text!r}",
        next_step="Set it to FIRST-LAST with ports from 1024 to 65535, or unset it.",
    )
