"""What a request works with: the process's parts, and who calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from faststream_pgmq import PgmqBroker
from services.api.known_keys import KnownKeys
from shared.runtime import Parts


@dataclass(frozen=True, slots=True)
class ApiParts:
    """Open as long as the application runs."""

    shared: Parts
    broker: PgmqBroker
    keys: KnownKeys


def find_parts(request: Request) -> ApiParts:
    """Return what the application's lifespan opened."""
    return cast(ApiParts, request.app.state.parts)


WithParts = Annotated[ApiParts, Depends(find_parts)]
