"""The package alone: what its wheel holds, and that it runs in an empty environment."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from psycopg import AsyncConnection

from tests.integration.faststream_pgmq.support import eventually, fetch_all

PACKAGE = Path(__file__).parents[3] / "faststream_pgmq"
UV = os.environ.get("UV") or shutil.which("uv") or "uv"
"""`uv run` says where it is."""
PATIENCE = 240
"""Seconds for a build or an installation."""
WITH_PACKAGE = (
    "**/*.py", "sql/*.sql", "docs/*.md", "README.md", "CHANGELOG.md", "py.typed",
)  # fmt: skip


def run(*command: str | Path, cwd: Path | None = None) -> str:
    done = attempt(*command, cwd=cwd)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def attempt(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(UV, "build", "--out-dir", folder, PACKAGE)
    return folder


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that holds the wheel and what it needs, and nothing else."""
    folder = tmp_path_factory.mktemp("empty") / "venv"
    run(UV, "venv", "--python", sys.executable, folder)
    python = folder / "bin" / "python"
    # The newest of everything that the package allows, as whoever installs it gets.
    install = (UV, "pip", "install", "--python", python, f"{wheel}[cli]")
    if attempt(*install).returncode != 0:
        run(*install, "--offline")
    return folder / "bin"


def test_the_wheel_holds_code_sql_and_documentation_but_no_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = [
        f"faststream_pgmq/{file.relative_to(PACKAGE).as_posix()}"
        for pattern in WITH_PACKAGE
        for file in PACKAGE.glob(pattern)
        if not {"build", "dist", ".venv"} & set(file.parts)
    ]
    assert set(expected) <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if "test_" in name or "tests/" in name]
    strangers = [name for name in names if not name.startswith("faststream_pgmq")]
    assert strangers == []


def test_the_sdist_builds_without_the_repository_around_it(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "__init__.py", "sql/10_schema.sql"} <= names


def test_the_licence_is_the_repositorys() -> None:
    assert (PACKAGE / "LICENSE").read_text() == (PACKAGE.parent / "LICENSE").read_text()


def test_the_empty_environment_has_nothing_of_the_repository(environment: Path) -> None:
    listed = run(UV, "pip", "list", "--python", environment / "python", "--format", "json")
    assert "supastate" not in listed
    code = "import faststream_pgmq as p; print(p.__version__, p.__file__)"
    printed = run(environment / "python", "-c", code, cwd=environment)
    version, _, file = printed.strip().partition(" ")
    assert f'version = "{version}"' in (PACKAGE / "pyproject.toml").read_text()
    assert Path(file).is_relative_to(environment.parent)


def test_the_commands_help_needs_no_database(environment: Path) -> None:
    text = run(environment / "faststream-pgmq", "--help", cwd=environment)
    for command in ("queues", "health", "pause", "purge", "dlq", "install"):
        assert command in text


@contextmanager
def running(environment: Path, folder: Path, dsn: str) -> Generator[subprocess.Popen[str]]:
    """The README's example, started as the README says."""
    readme = (PACKAGE / "README.md").read_text(encoding="utf-8")
    (example, *_) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    (folder / "app.py").write_text(example, encoding="utf-8")
    variables = {"PATH": os.environ["PATH"], "DATABASE_URL": dsn, "PYTHONUNBUFFERED": "1"}
    program = subprocess.Popen(
        [environment / "faststream", "run", "app:app"],
        cwd=folder, env=variables, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield program
    finally:
        program.kill()
        program.communicate(timeout=10)


async def test_the_readmes_example_runs_in_the_empty_environment(
    environment: Path, tmp_path: Path, dsn: str, sql: AsyncConnection[Any]
) -> None:
    with running(environment, tmp_path, dsn) as program:

        async def ready() -> bool:
            assert program.poll() is None, program.communicate()[0]
            return await fetch_all(sql, "SELECT to_regclass('pgmq.q_invoices')") != [None]

        await eventually(ready, 60)
        await sql.execute("SELECT pgmq.send('orders', '{\"id\": 2, \"cents\": 990}'::jsonb)")
        done = "SELECT message->'order_id' FROM pgmq.a_invoices"
        assert await eventually(lambda: fetch_all(sql, done), 60) == [2]
        program.terminate()
        printed, _ = program.communicate(timeout=30)
    assert "order 2: 9.90" in printed
    assert program.returncode == 0, printed
