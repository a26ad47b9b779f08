"""Which files a shell command names. Pure.

Only what looks like a path with a file's name counts, and relative ones only where the command
does not go elsewhere first. What a here-document holds is text, not arguments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

MAX_COMMAND_CHARACTERS: Final = 10_000
MAX_PATHS_OF_COMMAND: Final = 20
_WORD: Final = re.compile(r"[^\s;&|()<>\"'`=,]+")
_PATH: Final = re.compile(r"(?:[A-Za-z]:[/\\])?[\w.@+~/\\-]+")
_NAME: Final = re.compile(r"(?=.*[A-Za-z_])(?:\.?[\w@+-]+(?:\.[A-Za-z][\w-]*)+|\.[A-Za-z][\w-]+)")
_ELSEWHERE: Final = re.compile(r"(?:^|[;&|(\s])(?:cd|pushd)\s|\s-C\s")


def find_command_paths(command: str) -> list[str]:
    """Return the paths of files that a command names, each once, at most 20."""
    text = command[:MAX_COMMAND_CHARACTERS].partition("<<")[0]
    stays = _ELSEWHERE.search(text) is None
    paths = dict.fromkeys(path for path in _paths(text) if stays or _is_absolute(path))
    return list(paths)[:MAX_PATHS_OF_COMMAND]


def _paths(text: str) -> Iterator[str]:
    for word in _WORD.findall(text):
        folder, slash, name = word.replace("\\", "/").rpartition("/")
        # `.gitignore` alone is too often an argument's ending; below a folder it is a file.
        is_file = folder not in ("", "..") if slash else "." in name.strip(".")
        is_path = _PATH.fullmatch(word) and not word.startswith("-")
        if is_file and is_path and _NAME.fullmatch(name):
            yield word


def _is_absolute(path: str) -> bool:
    return path.startswith(("/", "~")) or path[1:2] == ":"
