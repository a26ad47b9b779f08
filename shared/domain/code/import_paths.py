"""Finds the files that a file's imports name, among the paths of its repository. Pure.

Nothing is executed and no configuration is read, so aliases that only a build tool knows
(`tsconfig.json` paths other than `@/` and `~/`, workspace package names) stay unresolved.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final

from shared.domain.code.parsed import Import
from shared.domain.code_languages import language_of

_SOURCE_FOLDERS: Final = ("", "src", "lib", "python")
_SCRIPT_ENDINGS: Final = (
    ".ts", ".tsx", ".d.ts", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts", ".vue", ".svelte",
    ".json",
)  # fmt: skip
# `import "./a.js"` in TypeScript names a.ts.
_WRITTEN_AS: Final = {".js": (".ts", ".tsx", ".jsx"), ".mjs": (".mts",), ".cjs": (".cts",)}
_ALIASES: Final = ("@/", "~/")
_CODE_HOSTS: Final = frozenset({"github.com", "gitlab.com", "bitbucket.org", "codeberg.org"})
_GO_STANDARD: Final = frozenset({
    "archive", "bufio", "builtin", "bytes", "cmp", "compress", "container", "context", "crypto",
    "database", "debug", "embed", "encoding", "errors", "expvar", "flag", "fmt", "go", "hash",
    "html", "image", "index", "io", "iter", "log", "maps", "math", "mime", "net", "os", "path",
    "plugin", "reflect", "regexp", "runtime", "slices", "sort", "strconv", "strings", "structs",
    "sync", "syscall", "testing", "text", "time", "unicode", "unique", "unsafe", "weak",
})  # fmt: skip
_Target = tuple[str, tuple[str, ...]]


def resolve_imports(
    path: str, imports: Iterable[Import], known_paths: frozenset[str]
) -> dict[str, tuple[str, ...]]:
    """Return the files that a file imports, each with the names it takes from it.

    Python and JavaScript name files. Go names packages: the file called like the package stands
    for it, else the first one.
    """
    resolve = _RESOLVERS.get(language_of(path) or "")
    found: dict[str, tuple[str, ...]] = {}
    for item in imports if resolve else ():
        assert resolve is not None
        for target, specifiers in resolve(path, item, known_paths):
            if target != path:
                found[target] = tuple(dict.fromkeys((*found.get(target, ()), *specifiers)))
    return found


def _python(path: str, item: Import, known: frozenset[str]) -> Iterator[_Target]:
    name = item.module.lstrip(".")
    segments = name.split(".") if name else []
    folders = _folders(path)
    if dots := len(item.module) - len(name):
        roots = folders[dots - 1 : dots]
    elif segments[0] in sys.stdlib_module_names:
        return
    else:
        roots = _import_roots(folders, known)
    for root in roots:
        targets = list(_python_targets(_join(root, *segments), item.specifiers, known))
        if targets:
            yield from targets
            return


def _import_roots(folders: list[str], known: frozenset[str]) -> list[str]:
    """Return the folders where an absolute import may start, the likely ones first."""
    roots = [_join(folder, part) for folder in folders for part in _SOURCE_FOLDERS]
    # A folder with an __init__.py lies inside a package; an import starts outside of it.
    return sorted(roots, key=lambda root: _join(root, "__init__.py") in known)


def _python_targets(
    module: str, specifiers: tuple[str, ...], known: frozenset[str]
) -> Iterator[_Target]:
    own: list[str] = []
    for specifier in specifiers:
        submodule = _python_file(_join(module, specifier), known)
        if submodule is None:
            own.append(specifier)
        else:
            yield submodule, (specifier,)
    target = _python_file(module, known)
    if target is not None and (own or not specifiers):
        yield target, tuple(own)


def _python_file(module: str, known: frozenset[str]) -> str | None:
    candidates = (f"{module}.py", _join(module, "__init__.py"), f"{module}.pyi")
    return next((path for path in candidates if path in known), None)


def _javascript(path: str, item: Import, known: frozenset[str]) -> Iterator[_Target]:
    folders = _folders(path)
    if item.module.startswith("."):
        bases = [_normalize(_join(folders[0], item.module))]
    elif item.module.startswith(_ALIASES):
        bases = [_join(folder, part, item.module[2:]) for folder in folders for part in ("src", "")]
    else:
        return
    candidates = (path for base in bases if base is not None for path in _script_paths(base))
    target = next((path for path in candidates if path in known), None)
    if target is not None:
        yield target, item.specifiers


def _script_paths(base: str) -> Iterator[str]:
    yield base
    yield from (base + ending for ending in _SCRIPT_ENDINGS)
    for written, meant in _WRITTEN_AS.items():
        if base.endswith(written):
            yield from (base.removesuffix(written) + ending for ending in meant)
    yield from (_join(base, f"index{ending}") for ending in _SCRIPT_ENDINGS)


def _go(path: str, item: Import, known: frozenset[str]) -> Iterator[_Target]:
    segments = item.module.split("/")
    if segments[0] in _GO_STANDARD:
        return
    # A module's name is one segment or more, on the big hosts three; the rest is a folder.
    first = 3 if segments[0] in _CODE_HOSTS else 1
    packages = _go_packages(known)
    folders = ("/".join(segments[start:]) for start in range(first, len(segments)))
    folder = next((folder for folder in folders if folder in packages), None)
    if folder is not None:
        named = f"{folder}/{segments[-1]}.go"
        yield (named if named in known else packages[folder]), item.specifiers


@lru_cache(maxsize=4)
def _go_packages(known: frozenset[str]) -> dict[str, str]:
    """Return each folder with Go files, and the first of its files that is no test."""
    files: defaultdict[str, list[str]] = defaultdict(list)
    for path in known:
        if path.endswith(".go") and not path.endswith("_test.go"):
            files[path.rpartition("/")[0]].append(path)
    return {folder: min(paths) for folder, paths in files.items()}


def _folders(path: str) -> list[str]:
    """Return the folders that hold a file, the nearest first, the root ("") last."""
    segments = path.split("/")[:-1]
    return ["/".join(segments[:end]) for end in range(len(segments), -1, -1)]


def _join(*parts: str) -> str:
    return "/".join(part for part in parts if part)


def _normalize(path: str) -> str | None:
    """Return a path without `.` and `..`; None when it leaves the repository."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == ".." and not kept:
            return None
        if segment == "..":
            kept.pop()
        elif segment not in ("", "."):
            kept.append(segment)
    return "/".join(kept)


_RESOLVERS: Final[dict[str, Callable[[str, Import, frozenset[str]], Iterator[_Target]]]] = {
    "python": _python,
    "javascript": _javascript,
    "typescript": _javascript,
    "vue": _javascript,
    "svelte": _javascript,
    "go": _go,
}
