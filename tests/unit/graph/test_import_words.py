"""An import and the file it means always share a word."""

from __future__ import annotations

import pytest

from shared.domain.code.parsed import Import
from shared.domain.code_parsing import resolve_imports
from shared.domain.import_words import words_of_imports, words_of_path

CASES = [
    ("a/b.py", Import("a.c", ("x",)), "a/c.py"),
    ("a/b.py", Import("a", ("c",)), "a/c.py"),
    ("a/b.py", Import("a.c"), "src/a/c.py"),
    ("a/b/c.py", Import("a.b"), "a/b/__init__.py"),
    ("a/b/c.py", Import(".", ("d",)), "a/b/d.py"),
    ("a/b/c.py", Import(".", ("name",)), "a/b/__init__.py"),
    ("a/b/c.py", Import("..", ("name",)), "a/__init__.py"),
    ("a/b/c.py", Import("..d", ("e",)), "a/d.py"),
    ("a/b/c.py", Import("..d", ("e",)), "a/d/e.py"),
    ("src/a.ts", Import("./b", ("x",)), "src/b.ts"),
    ("src/a.ts", Import("./b.js", ("x",)), "src/b.ts"),
    ("src/a.ts", Import("./b.test", ("x",)), "src/b.test.ts"),
    ("src/c/a.ts", Import("..", ("x",)), "src/index.ts"),
    ("src/a.ts", Import("@/lib/b", ("x",)), "src/lib/b.tsx"),
    ("src/a.ts", Import("./lib", ("x",)), "src/lib/index.js"),
    ("cmd/main.go", Import("github.com/o/r/pkg/store"), "pkg/store/open.go"),
]


@pytest.mark.parametrize(("path", "item", "target"), CASES)
def test_an_import_is_found_by_a_word_of_its_target(path: str, item: Import, target: str) -> None:
    known = frozenset({path, target})
    assert list(resolve_imports(path, [item], known)) == [target]

    assert words_of_path(target) & words_of_imports(path, [item])
