"""Which file an import names, among the paths of a repository."""

from __future__ import annotations

import pytest

from shared.domain.code.parsed import Import
from shared.domain.code_parsing import resolve_imports

KNOWN = frozenset(
    {
        "shared/__init__.py", "shared/errors.py", "shared/domain/__init__.py",
        "shared/domain/keywords.py", "shared/domain/json.py", "services/ingest/app.py",
        "tools/report/src/report/cli.py", "tools/report/src/report/tables.py",
        "web/src/app.tsx", "web/src/button.tsx", "web/src/lib/index.ts", "web/src/data.json",
        "web/src/theme.css", "web/src/view.vue",
        "cmd/entire/main.go", "cmd/entire/cli/strategy/strategy.go",
        "cmd/entire/cli/strategy/auto.go", "cmd/entire/cli/paths/b.go",
        "cmd/entire/cli/paths/a.go", "cmd/entire/cli/paths/a_test.go", "http/client.go",
    }
)  # fmt: skip

CASES: list[tuple[str, Import, dict[str, tuple[str, ...]]]] = [
    ("services/ingest/app.py", Import("shared.errors", ("A",)), {"shared/errors.py": ("A",)}),
    ("services/ingest/app.py", Import("shared.domain", ("keywords", "X")),
     {"shared/domain/keywords.py": ("keywords",), "shared/domain/__init__.py": ("X",)}),
    ("services/ingest/app.py", Import("shared.domain.keywords"), {"shared/domain/keywords.py": ()}),
    ("shared/domain/keywords.py", Import("."), {"shared/domain/__init__.py": ()}),
    ("shared/domain/keywords.py", Import("..errors", ("A",)), {"shared/errors.py": ("A",)}),
    ("shared/domain/keywords.py", Import("....nowhere", ("A",)), {}),
    ("shared/domain/keywords.py", Import("json"), {}),
    ("shared/domain/keywords.py", Import(".json", ("x",)), {"shared/domain/json.py": ("x",)}),
    ("tools/report/src/report/cli.py", Import("report.tables", ("t",)),
     {"tools/report/src/report/tables.py": ("t",)}),
    ("services/ingest/app.py", Import("psycopg"), {}),
    ("web/src/app.tsx", Import("./button", ("Button",)), {"web/src/button.tsx": ("Button",)}),
    ("web/src/app.tsx", Import("./button.js", ("Button",)), {"web/src/button.tsx": ("Button",)}),
    ("web/src/app.tsx", Import("./lib"), {"web/src/lib/index.ts": ()}),
    ("web/src/lib/index.ts", Import("../data.json"), {"web/src/data.json": ()}),
    ("web/src/app.tsx", Import("./theme.css"), {"web/src/theme.css": ()}),
    ("web/src/lib/index.ts", Import("@/button", ("B",)), {"web/src/button.tsx": ("B",)}),
    ("web/src/view.vue", Import("./app"), {"web/src/app.tsx": ()}),
    ("web/src/app.tsx", Import("react", ("useState",)), {}),
    ("web/src/app.tsx", Import("../../../outside"), {}),
    ("cmd/entire/main.go", Import("entire.io/cli/cmd/entire/cli/strategy"),
     {"cmd/entire/cli/strategy/strategy.go": ()}),
    ("cmd/entire/main.go", Import("github.com/entireio/cli/cmd/entire/cli/paths", ("p",)),
     {"cmd/entire/cli/paths/a.go": ("p",)}),
    ("cmd/entire/main.go", Import("net/http"), {}),
    ("cmd/entire/main.go", Import("github.com/someone/http"), {}),
    ("README.md", Import("./button"), {}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "item", "targets"), CASES)
def test_an_import_names_the_files_of_the_repository(
    path: str, item: Import, targets: dict[str, tuple[str, ...]]
) -> None:
    assert resolve_imports(path, [item], KNOWN) == targets


def test_imports_of_one_file_are_joined() -> None:
    imports = [Import("./button", ("A",)), Import("./button", ("B", "A"))]

    assert resolve_imports("web/src/app.tsx", imports, KNOWN) == {"web/src/button.tsx": ("A", "B")}


def test_a_file_does_not_import_itself() -> None:
    assert resolve_imports("web/src/button.tsx", [Import("./button")], KNOWN) == {}
