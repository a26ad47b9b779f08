"""A stack of real servers for the tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.local_stack import LocalStack

SETTINGS_OF_OTHERS = (
    "SUPASTATE_POSTGRES_DSN",
    "SUPASTATE_NEO4J_URI",
    "SUPASTATE_NEO4J_USER",
    "SUPASTATE_NEO4J_PASSWORD",
    "SUPASTATE_HOME",
)


@pytest.fixture(autouse=True)
def no_external_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may point at servers of their own."""
    for name in SETTINGS_OF_OTHERS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the kind people have: with a space, and with nothing in it yet."""
    return tmp_path_factory.mktemp("local stack") / "my home"


@pytest.fixture(scope="module")
def stack(home: Path) -> Iterator[LocalStack]:
    """A stack that tests may start, break and stop; it leaves nothing behind."""
    with pytest.MonkeyPatch.context() as environment:
        for name in SETTINGS_OF_OTHERS:
            environment.delenv(name, raising=False)
        stack = LocalStack(home)
        yield stack
        stack.delete_data()
