"""A route takes whatever the broker's own methods take."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from faststream_pgmq import PgmqBroker
from faststream_pgmq.broker.router import PgmqRoute, PgmqRoutePublisher
from faststream_pgmq.fastapi import PgmqRouter as FastAPIRouter
from faststream_pgmq.publisher.usecase import PgmqPublisher


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


@pytest.mark.parametrize(
    ("method", "of_broker", "not_taken"),
    [
        # FastAPI's dependencies stand in the place of FastStream's, and it types what it calls.
        (
            FastAPIRouter.__init__,
            PgmqBroker.__init__,
            {"dependencies", "routers", "tags", "apply_types", "provider"},
        ),
        (FastAPIRouter.subscriber, PgmqBroker.subscriber, {"dependencies"}),
        (FastAPIRouter.publisher, PgmqBroker.publisher, set[str]()),
        (PgmqPublisher.request, PgmqBroker.request, set[str]()),
    ],
)
def test_what_stands_for_the_broker_takes_its_arguments(
    method: Callable[..., Any], of_broker: Callable[..., Any], not_taken: set[str]
) -> None:
    wanted = {n: default for n, default in _arguments(of_broker).items() if n not in not_taken}
    given = _arguments(method)
    assert {name: given.get(name, "not taken") for name in wanted} == wanted
