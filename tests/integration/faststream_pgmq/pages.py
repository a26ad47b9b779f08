"""Runs the examples on a page of documentation, in order, as one program."""

from __future__ import annotations

import ast
import inspect
import re
import shlex
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from types import CodeType
from typing import Any

from psycopg import AsyncConnection
from typer.testing import CliRunner

from faststream_pgmq import PgmqBroker, create_queue
from faststream_pgmq.cli.app import app

BLOCK = re.compile(r"^```(python|sql|sh)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def read_page(name: str) -> str:
    """Return a page of the package, as it is installed."""
    return files("faststream_pgmq").joinpath(name).read_text(encoding="utf-8")


class Page:
    """What the examples of one page have made so far."""

    def __init__(self, name: str, dsn: str, connection: AsyncConnection[Any], folder: Path) -> None:
        self._name = name
        self._folder = folder
        self._dsn = dsn
        self._sql = connection
        self.names: dict[str, Any] = {"__name__": "page", "connection": connection}

    @property
    def brokers(self) -> list[PgmqBroker]:
        return [one for one in self.names.values() if isinstance(one, PgmqBroker)]

    async def run(self) -> int:
        """Run every example; return how many there were."""
        blocks = BLOCK.findall(read_page(self._name))
        for number, (language, text) in enumerate(blocks, 1):
            try:
                await getattr(self, f"_run_{language}")(text)
            except Exception as error:
                error.add_note(f"in example {number} of {self._name}:\n{text}")
                raise
        return len(blocks)

    async def _run_python(self, text: str) -> None:
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        # A file, as FastStream's test broker reads the source of who uses it.
        file = self._folder / f"example_{len(list(self._folder.iterdir()))}.py"
        file.write_text(text, encoding="utf-8")
        code: CodeType = compile(text, str(file), "exec", flags=flags, dont_inherit=True)
        if code.co_flags & inspect.CO_COROUTINE:
            for broker in self.brokers:
                await broker.connect()
            await eval(code, self.names)
        else:
            exec(code, self.names)
            await self._create_queues()

    async def _create_queues(self) -> None:
        for broker in self.brokers:
            for one in (*broker.subscribers, *broker.publishers):
                await create_queue(self._sql, one.queue)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType, reportAttributeAccessIssue]

    async def _run_sql(self, text: str) -> None:
        statements: Any = text
        await self._sql.execute(statements)

    async def _run_sh(self, text: str) -> None:
        for arguments in _commands(text):
            with ThreadPoolExecutor(1) as thread:  # the command has an event loop of its own
                environment = {"DATABASE_URL": self._dsn}
                done = thread.submit(CliRunner().invoke, app, arguments, env=environment).result()
            assert done.exit_code == 0, (arguments, done.output)


def _commands(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        program, *arguments = shlex.split(line, comments=True) or [""]
        if program == "faststream-pgmq":
            yield arguments
        else:
            assert program in {"", "pip"}, f"who runs {line!r}?"
