"""Choosing loopback ports."""

import socket
from collections.abc import Iterator

import pytest

from cli.local_stack.errors import PortsExhaustedError, StackError
from cli.local_stack.ports import LOOPBACK, choose_port, is_free


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_with_a_listener_is_not_free(taken_port: int) -> None:
    assert not is_free(taken_port)


def test_the_remembered_port_is_kept() -> None:
    port = choose_port(None, set())

    assert choose_port(port, set()) == port


def test_a_remembered_port_that_is_taken_is_replaced(taken_port: int) -> None:
    assert choose_port(taken_port, set()) != taken_port


def test_a_remembered_port_that_another_part_reserved_is_replaced() -> None:
    port = choose_port(None, set())

    assert choose_port(port, {port}) != port


def test_a_full_range_says_what_to_set(taken_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPASTATE_PORT_RANGE", f"{taken_port}-{taken_port}")

    with pytest.raises(PortsExhaustedError, match="SUPASTATE_PORT_RANGE"):
        choose_port(None, set())


@pytest.mark.parametrize("text", ["21000", "x-y", "80-90", "3000-2000", "60000-70000"])
def test_a_wrong_range_names_the_variable(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPASTATE_PORT_RANGE", text)

    with pytest.raises(StackError, match="SUPASTATE_PORT_RANGE"):
        choose_port(None, set())
