"""What can stop the local stack from starting, each with what to do next. Pure.

StackError
├── HomeError              the home folder cannot be used
├── PlatformError          this machine cannot run the servers
├── PortsExhaustedError    no free port in the range
├── JarsUnavailableError   Neo4j's jars could not be fetched
├── AlreadyBusyError       another `up` or `down` holds the lock too long
└── PartFailedError        a server or service died or never became ready
"""

import errno
from pathlib import Path


class StackError(Exception):
    """The local stack cannot do what was asked; `next_step` says what may help."""

    def __init__(self, problem: str, *, next_step: str) -> None:
        super().__init__(f"{problem}\n{next_step}")
        self.problem = problem
        self.next_step = next_step


class HomeError(StackError):
    """The home folder is not writable, full, or not a folder."""

    @classmethod
    def from_os_error(cls, error: OSError, path: Path) -> "HomeError":
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return cls(
                f"no space left for {path}",
                next_step="Free some space (a new stack needs about 1 GB) or choose another "
                "folder with --home.",
            )
        return cls(
            f"cannot use {path}: {error.strerror or error}",
            next_step="Choose a folder that you may write to with --home or SUPASTATE_HOME.",
        )


class PlatformError(StackError):
    """The servers' wheels do not run on this machine."""


class PortsExhaustedError(StackError):
    """Every port of the range is taken."""

    def __init__(self, first: int, last: int) -> None:
        super().__init__(
            f"no free port on 127.0.0.1 between {first} and {last}",
            next_step="Stop stacks that you no longer need (supastate local down --home DIR) or "
            "set SUPASTATE_PORT_RANGE, for example SUPASTATE_PORT_RANGE=31000-31999.",
        )


class JarsUnavailableError(StackError):
    """Neo4j's jars are neither cached nor can they be fetched."""

    def __init__(self, cause: str, *, repository: str, cache: Path) -> None:
        super().__init__(
            f"Neo4j's jars could not be fetched from {repository}: {cause}",
            next_step="Connect to a network and run `supastate local up` again: it goes on where "
            "it stopped. Behind a mirror, set SUPASTATE_MAVEN_REPOSITORY to its address. With no "
            f"network at all, copy {cache} from a machine where it worked, or set M2_REPO to such "
            "a copy. Or run your own Neo4j and set SUPASTATE_NEO4J_URI, SUPASTATE_NEO4J_USER and "
            "SUPASTATE_NEO4J_PASSWORD.",
        )


class AlreadyBusyError(StackError):
    """Another command starts or stops this stack right now."""

    def __init__(self, waited_seconds: float, lock: Path) -> None:
        super().__init__(
            f"another command has been starting or stopping this stack for {waited_seconds:.0f} s",
            next_step=f"Wait for it, or end it: it holds {lock}.",
        )


class PartFailedError(StackError):
    """A server or service died while it started, or did not become ready in time."""

    def __init__(self, name: str, problem: str, *, log: Path, tail: str) -> None:
        super().__init__(
            f"{name} {problem}",
            next_step=f"Its log ({log}) ends with:\n{tail or '(nothing)'}",
        )
        self.name = name
        self.log = log
