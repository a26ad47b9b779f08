"""Reads a traceback for people: newest first, with our own frames told from others'. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

READ_CHARACTERS: Final = 100_000
"""Of a longer traceback only the end is read: the frames where it broke."""
_FRAME: Final = re.compile(r'^[\s|+]*File "([^"]+)", line (\d+), in (\S+)')
_OWN: Final = re.compile(r"(?:^|/)((?:services|shared|faststream_pgmq|cli)/.*)")
_INSTALLED: Final = re.compile(r".*/(?:site|dist)-packages/")
_STANDARD: Final = re.compile(r"/lib(64)?/python")
_BETWEEN: Final = (
    "The above exception was the direct cause",
    "During handling of the above exception",
)
_HEAD: Final = "Traceback (most recent call last):"


@dataclass(frozen=True, slots=True)
class Frame:
    """One call."""

    file: str
    line: int
    name: str
    code: str
    is_own: bool


@dataclass(frozen=True, slots=True)
class Section:
    """One error and the calls that led to it, the newest call first."""

    error: str
    frames: tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class Traceback:
    """Errors, the last one first and then what caused it."""

    sections: tuple[Section, ...]
    omitted: int
    """Older frames that are not among the sections."""


def read_traceback(text: str, most: int) -> Traceback:
    """Return the `most` newest frames of a traceback as Python prints it."""
    sections = [section for section in _sections(text[-READ_CHARACTERS:]) if section != _NOTHING]
    found = sum(len(section.frames) for section in sections)
    omitted = max(found - most, text.count('File "') - most, 0)
    return Traceback(tuple(_cut(reversed(sections), most)), omitted)


def own_frame(text: str) -> str:
    """Return the newest frame that is ours, as the database's `letter_frame` names it."""
    frames = (
        frame for section in read_traceback(text, 10_000).sections for frame in section.frames
    )
    return next((f"{frame.file}, in {frame.name}" for frame in frames if frame.is_own), "")


_NOTHING: Final = Section("", ())


def _sections(text: str) -> Iterator[Section]:
    """Yield sections in the order of the text: the first cause first."""
    frames: list[Frame] = []
    said: list[str] = []
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if match := _FRAME.match(line):
            frames.append(_read_frame(match, lines[number + 1 : number + 2]))
        elif line.startswith((*_BETWEEN, _HEAD)):
            yield Section("\n".join(said).strip(), tuple(reversed(frames)))
            frames, said = [], []
        elif line and not line.startswith("  "):
            said.append(line)
    yield Section("\n".join(said).strip(), tuple(reversed(frames)))


def _read_frame(match: re.Match[str], following: list[str]) -> Frame:
    file, line, name = match.groups()
    shown, is_own = _place(file.replace("\\", "/"))
    code = next((one.strip(" |+") for one in following if not _FRAME.match(one)), "")
    return Frame(shown, int(line), name, code, is_own)


def _place(path: str) -> tuple[str, bool]:
    """Return a file's path without where it is installed, and whether it is ours."""
    installed = _INSTALLED.match(path)
    inside = path[installed.end() :] if installed else path
    own = _OWN.search(inside)
    if own is None or (installed and own.start() > 0) or _STANDARD.search(inside):
        return inside, False
    # The innermost folder of ours: the checkout itself may stand in a folder of that name.
    while deeper := _OWN.search(own[1], 1):
        own = deeper
    return own[1], True


def _cut(sections: Iterator[Section], most: int) -> Iterator[Section]:
    for section in sections:
        if most <= 0:
            return
        frames = tuple(islice(section.frames, most))
        most -= len(frames)
        yield Section(section.error, frames)
