"""Postgres does not run as root: what happens when we are root."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from cli.local_stack import postgres_install
from cli.local_stack.home import StackHome
from cli.local_stack.postgres_install import (
    ACCOUNT,
    copy_programs,
    ensure_account,
    find_install,
    find_programs,
)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another account")


@pytest.fixture
def system_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that every account may enter, in place of the system's own."""
    with TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        monkeypatch.setattr(postgres_install, "SYSTEM_FOLDER", folder / "supastate")
        yield folder / "supastate"


def test_data_lies_in_a_home_that_the_account_can_enter(system_folder: Path) -> None:
    home = StackHome(system_folder.parent / "home")
    home.create()

    install = find_install(home)

    assert install.folder == home.root / "postgres"
    assert install.folder.owner() == ACCOUNT
    assert not system_folder.exists()


def test_data_lies_outside_a_home_that_the_account_cannot_enter(system_folder: Path) -> None:
    closed = system_folder.parent / "root's own"
    closed.mkdir(mode=0o700)
    home = StackHome(closed / "home")
    home.create()

    install = find_install(home)

    assert install.folder.parent == system_folder
    assert install.folder.owner() == ACCOUNT
    assert closed.stat().st_mode & 0o777 == 0o700


def test_data_stays_outside_when_the_home_is_opened_later(system_folder: Path) -> None:
    closed = system_folder.parent / "closed"
    closed.mkdir(mode=0o700)
    home = StackHome(closed / "home")
    home.create()
    before = find_install(home)
    before.data.mkdir()

    closed.chmod(0o755)

    assert find_install(home).data == before.data


def test_two_closed_homes_never_share_their_data(system_folder: Path) -> None:
    closed = system_folder.parent / "closed"
    closed.mkdir(mode=0o700)
    homes = [StackHome(closed / name / ".supastate") for name in ("one", "two")]
    for home in homes:
        home.create()

    one, two = [find_install(home).folder for home in homes]

    assert one != two


@pytest.mark.usefixtures("system_folder")
def test_copied_programs_run_under_the_account() -> None:
    ensure_account()
    copy = copy_programs(find_programs())

    version = subprocess.run(
        [copy / "postgres", "--version"],
        user=ACCOUNT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "PostgreSQL) 18" in version.stdout
    assert copy_programs(find_programs()) == copy
