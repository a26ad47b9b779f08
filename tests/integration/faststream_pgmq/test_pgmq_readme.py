"""The README's example does what the README says."""

from __future__ import annotations

import importlib.util
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from psycopg import AsyncConnection

from tests.integration.faststream_pgmq.support import eventually, fetch_all


async def test_the_example_of_the_readme_runs(
    dsn: str, sql: AsyncConnection[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = files("faststream_pgmq").joinpath("README.md").read_text(encoding="utf-8")
    example = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)[0]
    module_file = tmp_path / "example.py"
    module_file.write_text(example, encoding="utf-8")
    monkeypatch.setenv("DATABASE_URL", dsn)
    spec = importlib.util.spec_from_file_location("readme_example", module_file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    await module.app.start()
    await sql.execute("SELECT pgmq.send('orders', '{\"id\": 2, \"cents\": 990}'::jsonb)")
    done = "SELECT message->'order_id' FROM pgmq.a_invoices"
    try:
        assert await eventually(lambda: fetch_all(sql, done)) == [2]
    finally:
        await module.app.stop()
