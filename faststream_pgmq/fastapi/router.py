"""The router: FastStream's subscribers as FastAPI's endpoints."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, cast

from fastapi.datastructures import Default
from fastapi.routing import APIRoute
from fastapi.utils import generate_unique_id
from faststream._internal.constants import EMPTY
from faststream._internal.fastapi.get_dependant import is_faststream_decorated
from faststream._internal.fastapi.router import StreamRouter
from faststream.message import gen_cor_id
from starlette.responses import JSONResponse

from faststream_pgmq.broker.broker import PgmqBroker
from faststream_pgmq.fastapi.endpoint import handle, keep_replies
from faststream_pgmq.publisher.outgoing import MAX_MESSAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from enum import Enum

    from fast_depends.library.serializer import SerializerProto
    from fastapi import params
    from fastapi.types import IncEx
    from faststream._internal.basic_types import LoggerProto
    from faststream._internal.context import ContextRepo
    from faststream._internal.parser import CodecProto
    from faststream._internal.types import BrokerMiddleware, CustomCallable, IdGenerator
    from faststream.middlewares import AckPolicy
    from faststream.security import BaseSecurity
    from faststream.specification.base import SpecificationFactory
    from faststream.specification.schema.extra import Tag, TagDict
    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Lifespan

    from faststream_pgmq.publisher.usecase import PgmqPublisher
    from faststream_pgmq.retry import RetryPolicy
    from faststream_pgmq.subscriber.usecase import PgmqSubscriber


# FastAPI's own defaults: marked as such, so that an including router's values go before them.
JSON_RESPONSE: Final[type[Response]] = Default(JSONResponse)
UNIQUE_ID: Final[Callable[[APIRoute], str]] = Default(generate_unique_id)
NO_MODEL: Final[Any] = Default(None)


class PgmqRouter(StreamRouter[Any]):
    """A FastAPI router with a broker of its own, which runs while the application does.

    Args:
        conninfo: as of `PgmqBroker`, like all that is not explained here.
        setup_state: put the broker into `request.state.broker`.
        schema_url: where the AsyncAPI page is; None is nowhere.
        prefix: of paths, and `tags` and so on: as of FastAPI's `APIRouter`. Queues have no prefix.
    """

    broker_class = PgmqBroker
    broker: PgmqBroker  # pyright: ignore[reportIncompatibleVariableOverride]  # as every router does

    def __init__(
        self,
        conninfo: str = "",
        *,
        listen_conninfo: str | None = None,
        pool_size: int = 4,
        poll_interval: float = 30.0,
        graceful_timeout: float | None = 15.0,
        max_message_bytes: int | None = MAX_MESSAGE_BYTES,
        decoder: CustomCallable | None = None,
        parser: CustomCallable | None = None,
        codec: CodecProto | None = None,
        middlewares: Sequence[BrokerMiddleware[Any, Any]] = (),
        ack_policy: AckPolicy = EMPTY,
        id_generator: IdGenerator = gen_cor_id,
        serializer: SerializerProto | None = EMPTY,
        # AsyncAPI args
        security: BaseSecurity | None = None,
        specification_url: str | None = None,
        protocol: str = "postgresql",
        protocol_version: str | None = None,
        description: str | None = None,
        specification: SpecificationFactory | None = None,
        specification_tags: Iterable[Tag | TagDict] = (),
        # logging args
        logger: LoggerProto | None = EMPTY,
        log_level: int = logging.INFO,
        # StreamRouter args
        setup_state: bool = True,
        schema_url: str | None = "/asyncapi",
        context: ContextRepo | None = None,
        # FastAPI args
        prefix: str = "",
        tags: list[str | Enum] | None = None,
        dependencies: Sequence[params.Depends] | None = None,
        default_response_class: type[Response] = JSON_RESPONSE,
        responses: dict[int | str, dict[str, Any]] | None = None,
        callbacks: list[BaseRoute] | None = None,
        routes: list[BaseRoute] | None = None,
        redirect_slashes: bool = True,
        default: ASGIApp | None = None,
        dependency_overrides_provider: Any | None = None,
        route_class: type[APIRoute] = APIRoute,
        on_startup: Sequence[Callable[[], Any]] | None = None,
        on_shutdown: Sequence[Callable[[], Any]] | None = None,
        lifespan: Lifespan[Any] | None = None,
        deprecated: bool | None = None,
        include_in_schema: bool = True,
        generate_unique_id_function: Callable[[APIRoute], str] = UNIQUE_ID,
    ) -> None:
        super().__init__(
            conninfo,
            listen_conninfo=listen_conninfo,
            pool_size=pool_size,
            poll_interval=poll_interval,
            graceful_timeout=graceful_timeout,
            max_message_bytes=max_message_bytes,
            decoder=decoder,
            parser=parser,
            codec=codec,
            middlewares=middlewares,
            ack_policy=ack_policy,
            id_generator=id_generator,
            serializer=serializer,
            security=security,
            specification_url=specification_url,
            protocol=protocol,
            protocol_version=protocol_version,
            description=description,
            specification=specification,
            specification_tags=specification_tags,
            logger=logger,
            log_level=log_level,
            setup_state=setup_state,
            schema_url=schema_url,
            context=context,
            prefix=prefix,
            tags=tags,
            dependencies=dependencies,
            default_response_class=default_response_class,
            responses=responses,
            callbacks=callbacks,
            routes=routes,
            redirect_slashes=redirect_slashes,
            default=default,
            dependency_overrides_provider=dependency_overrides_provider,
            route_class=route_class,
            on_startup=on_startup,
            on_shutdown=on_shutdown,
            lifespan=lifespan,
            deprecated=deprecated,
            include_in_schema=include_in_schema,
            generate_unique_id_function=generate_unique_id_function,
        )

    def subscriber(  # pyright: ignore[reportIncompatibleMethodOverride]  # as every router does
        self,
        queue: str,
        *,
        batch: bool = False,
        max_messages: int = 100,
        max_workers: int = 1,
        visibility_timeout: float = 60.0,
        retry: RetryPolicy | None = None,
        pause_probe: Callable[[], Awaitable[None]] | None = None,
        archive: bool = True,
        # broker arguments
        ack_policy: AckPolicy = EMPTY,
        no_reply: bool = False,
        dependencies: Iterable[params.Depends] = (),
        parser: CustomCallable | None = None,
        decoder: CustomCallable | None = None,
        codec: CodecProto | None = None,
        persistent: bool = True,
        # AsyncAPI information
        title: str | None = None,
        description: str | None = None,
        include_in_schema: bool = True,
        # FastAPI args
        response_model: Any = NO_MODEL,
        response_model_include: IncEx | None = None,
        response_model_exclude: IncEx | None = None,
        response_model_by_alias: bool = True,
        response_model_exclude_unset: bool = False,
        response_model_exclude_defaults: bool = False,
        response_model_exclude_none: bool = False,
    ) -> PgmqSubscriber:
        """Subscribe an endpoint to a queue; see `PgmqBroker.subscriber`.

        Args:
            dependencies: FastAPI's, to run before the endpoint.
            response_model: and its options: as of FastAPI's routes, for what is published.
        """
        subscriber = super().subscriber(
            queue,
            batch=batch,
            max_messages=max_messages,
            max_workers=max_workers,
            visibility_timeout=visibility_timeout,
            retry=retry,
            pause_probe=pause_probe,
            archive=archive,
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
            response_model=response_model,
            response_model_include=response_model_include,
            response_model_exclude=response_model_exclude,
            response_model_by_alias=response_model_by_alias,
            response_model_exclude_unset=response_model_exclude_unset,
            response_model_exclude_defaults=response_model_exclude_defaults,
            response_model_exclude_none=response_model_exclude_none,
        )
        return cast("PgmqSubscriber", cast("object", subscriber))

    def publisher(  # pyright: ignore[reportIncompatibleMethodOverride]  # as every router does
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
    ) -> PgmqPublisher:
        """Create a publisher; see `PgmqBroker.publisher`."""
        return self.broker.publisher(
            queue,
            batch=batch,
            headers=headers,
            persistent=persistent,
            title=title,
            description=description,
            schema=schema,
            include_in_schema=include_in_schema,
        )

    def _subscriber_compatibility_wrapper(
        self, *args: Any, **options: Any
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        wrap = super()._subscriber_compatibility_wrapper(*args, **options)

        def wrapper(endpoint: Callable[..., Any]) -> Callable[..., Any]:
            if is_faststream_decorated(endpoint):
                return endpoint
            return handle(wrap(keep_replies(endpoint)))

        return wrapper
