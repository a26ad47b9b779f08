"""One file of a project has one path, wherever its checkout was."""

from __future__ import annotations

import pytest

from shared.graph.mentions import path_in_project


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("src/cart.py", "src/cart.py"),
        ("./src/cart.py", "src/cart.py"),
        (r"src\cart.py", "src/cart.py"),
        ("/home/me/shop/src/cart.py", "src/cart.py"),
        ("/home/me/shop/shop/cart.py", "shop/cart.py"),
        (r"C:\Users\me\shop\src\cart.py", "src/cart.py"),
        ("/home/me/shop/.claude/worktrees/fix/src/cart.py", "src/cart.py"),
        (".claude/worktrees/fix/src/cart.py", "src/cart.py"),
        ("/home/me/shop.worktrees/fix/src/cart.py", "src/cart.py"),
        ("/home/me/.codex/worktrees/ab12/shop/src/cart.py", "src/cart.py"),
        (r"C:\dev\shop\.worktrees\fix\src\cart.py", "src/cart.py"),
        ("/home/me/cafe.worktrees/fix/src/cart.py", "/home/me/cafe.worktrees/fix/src/cart.py"),
        ("/tmp/cart.py", "/tmp/cart.py"),
        ("~/notes/cart.py", "~/notes/cart.py"),
        ("", ""),
    ],
)
def test_a_path_is_counted_from_the_root_of_its_project(path: str, found: str) -> None:
    assert path_in_project(path, "shop") == found
