"""A route takes whatever the broker's own methods take."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from faststream_pgmq import PgmqBroker
from faststream_pgmq.broker.router import PgmqRoute, PgmqRoutePublisher


def _arguments(call: Callable[..., Any]) -> dict[str, Any]:
    parameters = inspect.signature(call).parameters
    return {name: one.default for name, one in parameters.items() if name != "self"}


@pytest.mark.parametrize(
    ("route", "method", "own"),
    [
        (PgmqRoute, PgmqBroker.subscriber, {"call", "publishers"}),
        (PgmqRoutePublisher, PgmqBroker.publisher, set[str]()),
    ],
)
def test_a_route_has_the_arguments_of_the_method(
    route: Callable[..., Any], method: Callable[..., Any], own: set[str]
) -> None:
    given = _arguments(route)
    assert {name: default for name, default in given.items() if name not in own} == _arguments(
        method
    )
