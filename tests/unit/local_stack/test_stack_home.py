"""The home folder and its lock."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from cli.local_stack.errors import AlreadyBusyError, HomeError
from cli.local_stack.home import StackHome, find_home


def test_the_option_wins_over_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPASTATE_HOME", str(tmp_path / "variable"))

    assert find_home(tmp_path / "option").root == tmp_path / "option"
    assert find_home().root == tmp_path / "variable"


def test_a_relative_folder_means_the_same_from_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert find_home(Path("here")).root == tmp_path / "here"


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")

    with pytest.raises(HomeError, match="--home"):
        StackHome(tmp_path / "home").create()


def test_nobody_but_the_owner_can_list_the_folder(tmp_path: Path) -> None:
    home = StackHome(tmp_path / "home")
    home.create()

    assert home.root.stat().st_mode & 0o066 == 0
    assert home.logs.stat().st_mode & 0o077 == 0


def test_a_lock_that_stays_held_is_reported(tmp_path: Path) -> None:
    home = StackHome(tmp_path)

    with home.locked(), pytest.raises(AlreadyBusyError, match=r"stack\.lock"), home.locked(0.1):
        pass


def test_a_lock_whose_file_was_deleted_meanwhile_is_taken_anew(tmp_path: Path) -> None:
    home = StackHome(tmp_path / "home")
    inside: list[str] = []
    is_held, may_go = Event(), Event()

    def delete() -> None:
        with home.locked():
            is_held.set()
            may_go.wait(30)
            home.delete()
            inside.append("deleted")

    def follow() -> None:
        with home.locked():
            inside.append("followed")
            assert home.lock_file.exists()
            assert home.logs.is_dir()

    with ThreadPoolExecutor(2) as pool:
        deleting = pool.submit(delete)
        is_held.wait(30)
        following = pool.submit(follow)
        may_go.set()
        deleting.result(30)
        following.result(30)

    assert inside == ["deleted", "followed"]


def test_deleting_a_stack_leaves_other_files(tmp_path: Path) -> None:
    home = StackHome(tmp_path)
    home.create()
    (tmp_path / "mine.txt").write_text("mine")

    home.delete()

    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
