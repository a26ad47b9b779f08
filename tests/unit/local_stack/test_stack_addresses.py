"""Which servers the settings mean."""

import pytest

from cli.local_stack.addresses import Addresses, without_password
from cli.local_stack.errors import StackError
from cli.local_stack.state import StackState

OWN = StackState(
    ports={"postgres": 21001, "neo4j": 21002, "api": 21003},
    passwords={"postgres": "own-pg", "neo4j": "own-neo"},
)


def test_a_stack_that_never_started_has_no_settings() -> None:
    assert Addresses(StackState(), {}).settings() == {}


def test_own_servers_are_named_with_their_passwords() -> None:
    assert Addresses(OWN, {}).settings() == {
        "SUPASTATE_POSTGRES_DSN": "postgresql://postgres:own-pg@127.0.0.1:21001/supastate",
        "SUPASTATE_NEO4J_URI": "bolt://127.0.0.1:21002",
        "SUPASTATE_NEO4J_USER": "neo4j",
        "SUPASTATE_NEO4J_PASSWORD": "own-neo",
        "SUPASTATE_API_URL": "http://127.0.0.1:21003",
    }


def test_a_server_that_the_environment_names_is_used_instead() -> None:
    environment = {"SUPASTATE_POSTGRES_DSN": "postgresql://me:x@db.example/app"}

    addresses = Addresses(OWN, environment)

    assert addresses.settings()["SUPASTATE_POSTGRES_DSN"] == "postgresql://me:x@db.example/app"
    assert addresses.settings()["SUPASTATE_NEO4J_URI"] == "bolt://127.0.0.1:21002"
    assert addresses.external_url("postgres") == "postgresql://db.example/app"
    assert addresses.external_url("neo4j") is None


def test_a_shell_that_evaluated_env_still_means_this_stack() -> None:
    before_the_ports_changed = OWN.model_copy(update={"ports": {"postgres": 1, "neo4j": 2}})
    environment = Addresses(before_the_ports_changed, {}).settings()

    addresses = Addresses(OWN, environment)

    assert addresses.external_url("postgres") is None
    assert addresses.external_url("neo4j") is None
    assert addresses.settings()["SUPASTATE_NEO4J_URI"] == "bolt://127.0.0.1:21002"


def test_a_neo4j_without_password_is_refused_with_its_variable() -> None:
    addresses = Addresses(StackState(), {"SUPASTATE_NEO4J_URI": "bolt://graph.example"})

    with pytest.raises(StackError, match="SUPASTATE_NEO4J_PASSWORD is not set"):
        addresses.settings()


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://u:p%40ss@host:5/db", "postgresql://host:5/db"),
        ("postgresql://host/db?password=secret", "postgresql://host/db"),
        ("host=x password=secret", "(as set)"),
        ("bolt://host:7687", "bolt://host:7687"),
    ],
)
def test_a_password_is_never_shown(address: str, shown: str) -> None:
    assert without_password(address) == shown
