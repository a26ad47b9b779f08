"""docs/cli.md: what can be done over HTTP or on a page can be done in the shell, and as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
from opentelemetry.sdk.trace import TracerProvider
from pydantic import SecretStr

from cli.local import app as local
from cli.main import app as supastate
from services.api.app import create_app
from services.api.dashboard.registry import ROOT, find_pages
from shared.settings import Settings
from tests.integration.api.route_table import methods_of

TEXT = (Path(__file__).resolve().parents[3] / "docs/cli.md").read_text()
OPERATIONS, FORMS, PAGES = re.split("^## Every (?:page|form of a page)$", TEXT, flags=re.MULTILINE)
ROW = re.compile(r"^\| (.+) \|$", re.MULTILINE)
NAMED = re.compile(r"`((?:GET|POST|DELETE) [^`]+)`")
COMMAND = re.compile(r"`(supastate [^`]+)`")
SESSIONS = {f"POST {ROOT}/login", f"POST {ROOT}/logout"}
"""Only pages have sessions."""
WITHOUT_JSON = {"demo": "a story for whoever tries it; each of its answers has a command"}


def commands_of(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if getattr(command, "commands", None):
            yield from commands_of(command, (*path, name))
        yield " ".join((*path, name)), command


def known_commands() -> dict[str, Any]:
    found = dict(commands_of(typer.main.get_command(supastate)))
    stack = commands_of(typer.main.get_command(local), ("local",))
    return found | dict(stack)


COMMANDS = known_commands()


@pytest.fixture(scope="module")
def routes() -> set[str]:
    """What the API's process answers to, pages and all, as the OpenAPI document names it."""
    settings = Settings(
        postgres_dsn=SecretStr("postgresql://x/y"),
        neo4j_uri="bolt://x",
        neo4j_user="x",
        neo4j_password=SecretStr("x"),
    )
    found = methods_of(create_app(settings, TracerProvider()))
    return {f"{method} {route.path.replace(':path}', '}')}" for method, route in found}


@pytest.fixture(scope="module")
def operations(routes: set[str]) -> set[str]:
    """Every operation of the API; `/` only leads to the pages."""
    return {one for one in routes if f" {ROOT}" not in one} - {"GET /"}


@pytest.fixture(scope="module")
def forms(routes: set[str]) -> set[str]:
    """Whatever a page sends to change something."""
    return {one for one in routes if f" {ROOT}" in one and not one.startswith("GET ")}


def rows(text: str) -> list[list[str]]:
    found = [row.split(" | ") for row in ROW.findall(text)]
    return [row for row in found if row[0] not in ("Operation", "Form", "Page")]


def find_command(line: str) -> tuple[str, Any]:
    words = line.split()[1:]
    for length in (2, 1):
        if (name := " ".join(words[:length])) in COMMANDS:
            return name, COMMANDS[name]
    raise AssertionError(f"no such command: {line}")


def commands_in(text: str) -> set[str]:
    return {find_command(line)[0] for line in COMMAND.findall(text)}


def options_of(name: str, command: Any) -> set[str]:
    shown = [command, *([COMMANDS["jobs show"]] if name == "jobs" else [])]
    return {option for one in shown for part in one.params for option in part.opts}


def test_every_operation_names_a_command_or_why_there_is_none(operations: set[str]) -> None:
    told: Mapping[str, str] = {row[0].strip("`"): row[1] for row in rows(OPERATIONS)}

    assert set(told) == operations
    for operation, answer in told.items():
        assert COMMAND.search(answer), operation
        assert answer.startswith(("`supastate ", "none: ")), operation


def test_every_form_of_a_page_names_its_operation_and_the_command_of_that(
    forms: set[str], operations: set[str]
) -> None:
    told = {row[0].strip("`"): row[1:] for row in rows(FORMS)}
    command_of = {row[0].strip("`"): row[1] for row in rows(OPERATIONS)}

    assert set(told) == forms
    for form, (api, command) in told.items():
        named = NAMED.findall(api)
        assert named or form in SESSIONS, form
        assert set(named) <= operations, form
        assert commands_in(command) == commands_in("".join(command_of[one] for one in named)), form


def test_every_command_and_option_that_the_document_names_is_there() -> None:
    for line in COMMAND.findall(TEXT):
        if line.startswith(("supastate --", "supastate COMMAND")):
            continue
        name, command = find_command(line)
        named = {word for word in line.split() if word.startswith("--")}
        assert named <= options_of(name, command), line


def test_every_page_is_listed_with_operations_that_exist(operations: set[str]) -> None:
    listed = rows(PAGES)

    assert {row[0] for row in listed} == {found.page.title for found in find_pages()}
    for _, what, api, command in listed:
        assert set(NAMED.findall(api)) <= operations, what
        assert NAMED.search(api), what
        assert COMMAND.search(command), what


def test_every_command_that_prints_something_prints_json() -> None:
    groups = {name for name, one in COMMANDS.items() if getattr(one, "commands", None)}
    leaves = {name: one for name, one in COMMANDS.items() if name not in groups | {"local"}}
    without = {name for name, one in leaves.items() if "--json" not in options_of(name, one)}

    assert without == set(WITHOUT_JSON)
