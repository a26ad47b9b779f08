from __future__ import annotations

import pytest

from shared.domain.project_name import (
    find_root,
    project_name,
    relative_to_repository,
    split_worktree,
)

FOLDERS = [
    ("/Users/ann/src/shop", "shop"),
    ("/Users/ann/src/shop/", "shop"),
    ("/Users/ann/src/shop/.git", "shop"),
    ("/srv/git/shop.git", "shop"),
    ("/Users/ann/src/shop/.claude/worktrees/brave-otter", "shop"),
    ("/Users/ann/src/shop/.claude/worktrees/1/packages/web", "shop"),
    ("/Users/ann/src/shop/worktrees/feature", "shop"),
    ("/Users/ann/src/shop/.worktrees/feature", "shop"),
    ("/Users/ann/src/shop/.git/worktrees/feature", "shop"),
    ("/Users/ann/src/shop.worktrees/feature/login", "shop"),
    ("/Users/ann/src/shop-worktrees/2", "shop"),
    ("/Users/ann/worktrees/shop/feature", "shop"),
    ("/home/ann/.cursor/worktrees/shop/x7Kd", "shop"),
    ("/home/ann/.codex/worktrees/a1b2/shop", "shop"),
    ("C:\\Users\\ann\\src\\shop", "shop"),
    ("C:\\Users\\ann\\src\\shop\\.claude\\worktrees\\3\\", "shop"),
    ("//server/share/shop", "shop"),
    ("/Users/ann/src/a\\b", "a\\b"),
    ("", "unnamed"),
    ("/", "unnamed"),
    ("/x/" + "n" * 400, "n" * 255),
]


@pytest.mark.parametrize(("folder", "name"), FOLDERS)
def test_the_project_is_the_repository_of_a_folder(folder: str, name: str) -> None:
    assert project_name(folder) == name


@pytest.mark.parametrize(
    "common_dir", ["/src/shop/.git", "/src/shop/.git/", "/srv/shop.git", "/src/shop/.bare"]
)
def test_gits_own_answer_wins_over_the_folders_name(common_dir: str) -> None:
    assert project_name("/tmp/checkouts/17", common_dir) == "shop"


def test_a_submodule_is_a_project_of_its_own() -> None:
    assert project_name("/src/shop/libs/money", "/src/shop/.git/modules/money") == "money"


def test_the_outermost_known_repository_holds_a_folder() -> None:
    roots = {"/src/shop", "/src/shop/web"}

    assert find_root("/src/shop/web/app", roots) == "/src/shop"
    assert find_root("/src/shopping", roots) is None


@pytest.mark.parametrize(
    ("path", "relative"),
    [
        ("/Users/ann/src/shop/app/a.py", "app/a.py"),
        ("/Users/ann/src/shop/.claude/worktrees/1/app/a.py", "app/a.py"),
        ("/Users/ann/.claude/plan.md", "~/.claude/plan.md"),
        ("/Users/ann/src/shopping/a.py", "~/src/shopping/a.py"),
        ("/etc/hosts", "/etc/hosts"),
        ("app/a.py", "app/a.py"),
    ],
)
def test_paths_are_relative_to_the_repository(path: str, relative: str) -> None:
    assert relative_to_repository(path, "/Users/ann/src/shop") == relative


def test_a_windows_path_is_relative_too() -> None:
    assert relative_to_repository("C:\\src\\shop\\app\\a.py", "C:/src/shop") == "app/a.py"


def test_a_folder_outside_of_any_worktree_has_no_inner_path() -> None:
    assert split_worktree("/src/shop/app") == ("/src/shop/app", None)
