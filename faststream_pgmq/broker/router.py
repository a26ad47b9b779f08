"""Routers: handlers declared apart from the broker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faststream._internal.broker.router import ArgsContainer, BrokerRouter, SubscriberRoute
from faststream._internal.constants import EMPTY

from faststream_pgmq.broker.config import PgmqBrokerConfig
from faststream_pgmq.broker.registrator import PgmqRegistrator

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from datetime import timedelta

    from fast_depends.dependencies import Dependant
    from faststream._internal.parser import CodecProto
    from faststream._internal.types import BrokerMiddleware, CustomCallable
    from faststream.middlewares import AckPolicy

    from faststream_pgmq.retry import RetryPolicy


class PgmqRoutePublisher(ArgsContainer):
    """The arguments of `PgmqBroker.publisher`, for use in a `PgmqRoute`."""

    def __init__(
        self,
        queue: str,
        *,
        batch: bool | None = None,
        headers: dict[str, Any] | None = None,
        persistent: bool = True,
        title: str | None = None,
        description: str | None = None,
        schema: Any | None = None,
        include_in_schema: bool = True,
    ) -> None:
        super().__init__(
            queue,
            batch=batch,
            headers=headers,
            persistent=persistent,
            title=title,
            description=description,
            schema=schema,
            include_in_schema=include_in_schema,
        )


class PgmqRoute(SubscriberRoute):
    """A handler with the arguments of `PgmqBroker.subscriber`, for use in a `PgmqRouter`."""

    def __init__(
        self,
        call: Callable[..., Any],
        queue: str,
        *,
        publishers: Iterable[PgmqRoutePublisher] = (),
        batch: bool = False,
        max_messages: int = 100,
        max_workers: int = 1,
        visibility_timeout: float = 60.0,
        retry: RetryPolicy | None = None,
        pause_probe: Callable[[], Awaitable[None]] | None = None,
        archive: bool = True,
        fair: bool = False,
        ordered: bool = False,
        max_per_group: int | None = None,
        archive_retention: timedelta | None = None,
        dead_letter_retention: timedelta | None = None,
        ack_policy: AckPolicy = EMPTY,
        no_reply: bool = False,
        dependencies: Sequence[Dependant] = (),
        parser: CustomCallable | None = None,
        decoder: CustomCallable | None = None,
        codec: CodecProto | None = None,
        persistent: bool = True,
        title: str | None = None,
        description: str | None = None,
        include_in_schema: bool = True,
    ) -> None:
        super().__init__(
            call,
            queue,
            publishers=publishers,
            batch=batch,
            max_messages=max_messages,
            max_workers=max_workers,
            visibility_timeout=visibility_timeout,
            retry=retry,
            pause_probe=pause_probe,
            archive=archive,
            fair=fair,
            ordered=ordered,
            max_per_group=max_per_group,
            archive_retention=archive_retention,
            dead_letter_retention=dead_letter_retention,
            ack_policy=ack_policy,
            no_reply=no_reply,
            dependencies=dependencies,
            parser=parser,
            decoder=decoder,
            codec=codec,
            persistent=persistent,
            title=title,
            description=description,
            include_in_schema=include_in_schema,
        )


class PgmqRouter(  # pyright: ignore[reportIncompatibleMethodOverride]  # as every router does
    PgmqRegistrator, BrokerRouter[Any, PgmqBrokerConfig]
):
    """Includable to a broker."""

    def __init__(
        self,
        prefix: str = "",
        handlers: Iterable[PgmqRoute] = (),
        *,
        dependencies: Sequence[Dependant] = (),
        middlewares: Sequence[BrokerMiddleware[Any, Any]] = (),
        routers: Iterable[PgmqRegistrator] = (),
        parser: CustomCallable | None = None,
        decoder: CustomCallable | None = None,
        include_in_schema: bool | None = None,
        ack_policy: AckPolicy = EMPTY,
    ) -> None:
        super().__init__(
            handlers=handlers,
            config=PgmqBrokerConfig(
                prefix=prefix,
                ack_policy=ack_policy,
                broker_dependencies=dependencies,
                broker_middlewares=middlewares,
                broker_parser=parser,
                broker_decoder=decoder,
                include_in_schema=include_in_schema,
            ),
            routers=routers,
        )
