"""A dead letter as it is stored: on the page, as a file and in the shell; for administrators."""

from __future__ import annotations

import asyncio
import json
import re
from uuid import uuid4

from fastapi import FastAPI
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from typer.testing import CliRunner, Result

from cli.main import app as supastate
from services.api.dashboard.letters_wanted import HOME
from services.api.dashboard.raw_letters import CHARACTERS_SHOWN
from shared.postgres.api_keys import Scope, create_key
from shared.postgres.audit import list_entries
from tests.integration.api.letters import file_letters
from tests.integration.api.logging_in import logged_in
from tests.integration.api.serving import serving

Conn = AsyncConnection[TupleRow]
QUEUE = "memory_ingestion"
OPERATOR: tuple[Scope, ...] = ("read", "operate")
LETTER = {"password": "hunter2", "long_text": "<script>alert(1)</script>" + "x" * CHARACTERS_SHOWN}


async def make_key(conn: Conn, workspace: str, scopes: tuple[Scope, ...]) -> str:
    return await create_key(
        conn, workspace_id=workspace, user_id=uuid4(), name="test", scopes=scopes
    )


async def test_the_page_shows_a_letter_raw_escaped_cut_and_as_a_file(
    app: FastAPI, conn: Conn
) -> None:
    workspace = f"team:{uuid4()}"
    [letter] = await file_letters(conn, workspace, payload=LETTER, headers={"token": "t0psecret"})
    path = f"{HOME}/letters/{QUEUE}/{letter}"
    async with logged_in(app, await make_key(conn, workspace, (*OPERATOR, "admin"))) as admin:
        shown = (await admin.get(path)).text
        [token, *_] = re.findall(r'name="csrf_token" value="([^"]+)"', shown)
        page = await admin.post(f"{path}/raw", data={"csrf_token": token})
        file = await admin.post(f"{path}/raw.json", data={"csrf_token": token})

    assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store")
    for told in ("hunter2", "t0psecret", "&lt;script&gt;alert(1)", "50,000 of"):
        assert told in page.text
    assert "<script>alert" not in page.text
    assert "hunter2" not in shown
    assert (file.json()["payload"], file.json()["id"]) == (LETTER, letter)
    assert "attachment" in file.headers["Content-Disposition"]
    seen = await list_entries(conn, workspace, limit=9)
    assert [one.action for one in seen] == ["dead_letter.view_raw"] * 2


async def test_who_may_only_operate_is_not_shown_a_letter_raw(app: FastAPI, conn: Conn) -> None:
    workspace = f"team:{uuid4()}"
    [letter] = await file_letters(conn, workspace, payload=LETTER)
    path = f"{HOME}/letters/{QUEUE}/{letter}"
    async with logged_in(app, await make_key(conn, workspace, OPERATOR)) as operator:
        shown = (await operator.get(path)).text
        [token, *_] = re.findall(r'name="csrf_token" value="([^"]+)"', shown)
        answers = [
            await operator.post(f"{path}/{way}", data={"csrf_token": token})
            for way in ("raw", "raw.json")
        ]

    assert "Show raw" not in shown
    assert [answer.status_code for answer in answers] == [403, 403]
    assert await list_entries(conn, workspace, limit=9) == []


async def test_the_command_prints_a_letter_raw(app: FastAPI, conn: Conn) -> None:
    workspace = f"team:{uuid4()}"
    [letter] = await file_letters(conn, workspace, payload=LETTER)
    show = ("dlq", "show", QUEUE, str(letter))
    async with serving(app) as url:
        admin = url, await make_key(conn, workspace, (*OPERATOR, "admin"))
        hidden = await run(*admin, *show)
        raw = await run(*admin, *show, "--raw")
        whole = await run(*admin, *show, "--raw", "--json")
        refused = await run(url, await make_key(conn, workspace, OPERATOR), *show, "--raw")

    assert ("hunter2" in hidden.stdout, "hunter2" in raw.stdout) == (False, True)
    assert "--json prints all of them" in raw.stdout
    assert json.loads(whole.stdout)["payload"] == LETTER
    assert (refused.exit_code, "'admin'" in refused.stderr) == (1, True)


async def run(url: str, key: str, *arguments: str) -> Result:
    names = {"SUPASTATE_API_URL": url, "SUPASTATE_API_KEY": key, "COLUMNS": "200"}
    return await asyncio.to_thread(CliRunner(env=names).invoke, supastate, arguments)
