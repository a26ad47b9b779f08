"""Tracebacks are read newest first, and our own frames are told from others'."""

from __future__ import annotations

import traceback

import pytest

from shared.domain.tracebacks import own_frame, read_traceback

CHAIN = """Traceback (most recent call last):
  File "/srv/shared/graph/code.py", line 1, in first
    raise KeyError(1)
KeyError: 1

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/app/.venv/lib/python3.12/site-packages/services/ingest/handlers.py", line 2, in second
    boom()
    ~~~~^^
  File "/app/.venv/lib/python3.12/site-packages/neo4j/cli/run.py", line 3, in third
    boom()
ValueError: two
lines
"""


def test_the_last_error_and_its_newest_call_come_first() -> None:
    last, cause = read_traceback(CHAIN, 10).sections

    assert (last.error, cause.error) == ("ValueError: two\nlines", "KeyError: 1")
    assert [frame.name for frame in last.frames] == ["third", "second"]
    assert last.frames[0].code == "boom()"
    assert [frame.is_own for frame in (*last.frames, *cause.frames)] == [False, True, True]


def test_older_frames_are_left_out_and_counted() -> None:
    read = read_traceback(CHAIN, 1)

    assert [frame.name for section in read.sections for frame in section.frames] == ["third"]
    assert read.omitted == 2


def test_what_python_prints_now_is_read() -> None:
    try:
        raise ExceptionGroup("several", [ValueError("one"), KeyError("two")])
    except ExceptionGroup as error:
        text = "".join(traceback.format_exception(error))

    assert read_traceback(text, 10).sections[0].frames[0].code


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/app/site-packages/shared/graph/code.py", "shared/graph/code.py, in f"),
        ("/home/cli/src/services/ingest/app.py", "services/ingest/app.py, in f"),
        ("C:\\src\\cli\\main.py", "cli/main.py, in f"),
        ("shared/graph/code.py", "shared/graph/code.py, in f"),
        ("/usr/lib/python3.12/shared/x.py", ""),
        ("/app/site-packages/neo4j/shared/x.py", ""),
        ("/app/site-packages/faststream_pgmq/x.py", "faststream_pgmq/x.py, in f"),
        ("/app/tests/x.py", ""),
    ],
)
def test_our_own_frame_is_named_wherever_we_are_installed(path: str, shown: str) -> None:
    assert own_frame(f'Traceback\n  File "{path}", line 3, in f\n    x\nValueError') == shown


@pytest.mark.parametrize("text", ["", "no traceback", 'File "', "\n\n", 'File "a", line x, in y'])
def test_any_text_can_be_read(text: str) -> None:
    assert own_frame(text) == ""
