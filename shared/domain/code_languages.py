"""Which language a file is written in, by its name. Pure."""

from __future__ import annotations

import re
from typing import Final

_BY_EXTENSION: Final = {
    "py": "python", "pyi": "python", "pyw": "python",
    "js": "javascript", "jsx": "javascript", "mjs": "javascript", "cjs": "javascript",
    "ts": "typescript", "tsx": "typescript", "mts": "typescript", "cts": "typescript",
    "go": "go", "rs": "rust", "java": "java", "kt": "kotlin", "kts": "kotlin", "scala": "scala",
    "c": "c", "h": "c", "cc": "cpp", "cpp": "cpp", "cxx": "cpp", "hpp": "cpp", "hh": "cpp",
    "cs": "csharp", "fs": "fsharp", "swift": "swift", "m": "objective-c", "mm": "objective-c",
    "rb": "ruby", "php": "php", "pl": "perl", "pm": "perl", "lua": "lua", "r": "r", "jl": "julia",
    "ex": "elixir", "exs": "elixir", "erl": "erlang", "hs": "haskell", "ml": "ocaml",
    "clj": "clojure", "dart": "dart", "zig": "zig", "nim": "nim", "groovy": "groovy",
    "sh": "shell", "bash": "shell", "zsh": "shell", "fish": "shell", "ps1": "powershell",
    "sql": "sql", "cypher": "cypher", "cql": "cypher", "graphql": "graphql", "proto": "protobuf",
    "vue": "vue", "svelte": "svelte", "astro": "astro", "html": "html", "htm": "html",
    "css": "css", "scss": "scss", "sass": "sass", "less": "less", "j2": "jinja", "jinja": "jinja",
    "md": "markdown", "mdx": "markdown", "rst": "restructuredtext", "adoc": "asciidoc",
    "txt": "text", "tex": "latex", "ipynb": "jupyter",
    "json": "json", "jsonc": "json", "yaml": "yaml", "yml": "yaml", "toml": "toml",
    "ini": "ini", "cfg": "ini", "conf": "ini", "xml": "xml", "tf": "terraform", "hcl": "hcl",
    "nix": "nix", "cmake": "cmake", "gradle": "gradle", "bzl": "starlark", "mod": "go-module",
}  # fmt: skip
_BY_NAME: Final = {
    "dockerfile": "dockerfile", "containerfile": "dockerfile", "makefile": "make",
    "gnumakefile": "make", "justfile": "just", "rakefile": "ruby", "gemfile": "ruby",
    "jenkinsfile": "groovy", "cmakelists.txt": "cmake", "build": "starlark", "readme": "text",
    "procfile": "text", "codeowners": "text",
}  # fmt: skip

_LOCK_FILES: Final = frozenset({"pnpm-lock.yaml", "packages.lock.json", "npm-shrinkwrap.json"})
_MINIFIED = re.compile(r"[.-]min\.(m?js|css)$|\.(m?js|css)\.map$|\.bundle\.js$")
_GENERATED = re.compile(
    r"_pb2(_grpc)?\.pyi?$|\.pb\.go$|_pb\.(js|ts|d\.ts)$|\.(g|freezed)\.dart$|\.designer\.cs$"
    r"|(^|[/._-])generated([/._-]|$)|(^|/)(node_modules|vendor|third_party)/"
)


def language_of(path: str) -> str | None:
    """Return the language of a file; None when its name does not tell one."""
    name = path.rpartition("/")[2].lower()
    stem, dot, extension = name.rpartition(".")
    by_extension = _BY_EXTENSION.get(extension) if dot and stem else None
    return _BY_NAME.get(name) or by_extension or _named_before_a_dot(name)


def _named_before_a_dot(name: str) -> str | None:
    """Return the language of names such as `Dockerfile.dev`."""
    stem = name.partition(".")[0]
    return _BY_NAME[stem] if stem in {"dockerfile", "containerfile", "makefile"} else None


def reason_to_skip(path: str) -> str | None:
    """Return why a file says nothing about the project's own code; None when it may."""
    name = path.rpartition("/")[2].lower()
    if name in _LOCK_FILES or name.endswith((".lock", ".lockb", "-lock.json", ".sum")):
        return "lock files"
    if _MINIFIED.search(name):
        return "minified files"
    if _GENERATED.search(path.lower()):
        return "generated files"
    return None if language_of(path) else "files in no known language"
