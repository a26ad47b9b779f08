"""Which tests run one after the other in one process, and in which order, in a run of two."""

from __future__ import annotations

from typing import Final

from xdist.scheduler import LoadScopeScheduling

RUNS_ALL: Final = ("system", "chaos")
"""Folders of tests that start the whole system; it is started once for them."""
IN_A_BROWSER: Final = "browser"


class Halves(LoadScopeScheduling):
    """Keeps together what shares something costly: the system, the browser, a module's fixtures.

    By address: pytest 9.2 does not show xdist the groups that marks name.
    """

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def group_of(nodeid: str) -> str:
    """Return the name of the tests that stay together: `tests/<folder>/…::test`."""
    path = nodeid.partition("::")[0]
    folder = folder_of(path)
    return "system" if folder in RUNS_ALL else folder if folder == IN_A_BROWSER else path


def turn_of(nodeid: str) -> int:
    """Return when it runs: first what needs no server, then what takes longest."""
    folder = folder_of(nodeid)
    return 0 if folder == "unit" else 1 if folder in (*RUNS_ALL, IN_A_BROWSER) else 2


def folder_of(path: str) -> str:
    """Return the folder below `tests`."""
    return path.split("/")[1] if path.count("/") > 1 else ""
