"""All routes of the application: what a test says of every route, it says of a new one too."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.routing import APIRoute

from services.api.auth import KeyedRoute
from tests.routes import all_routes

READING_POSTS = {
    "/api/patterns/search": "its question is too long for an address",
    "/api/dead-letters/redrive/preview": "its filter is that of the redrive",
    "/api/dead-letters/discard/preview": "its filter is that of the discard",
}
"""They change nothing, and why they are no GET."""


def methods_of(app: FastAPI) -> Iterator[tuple[str, APIRoute]]:
    """Yield each route by each of its methods."""
    for route in all_routes(app.routes):
        methods: set[str] = route.methods or set()
        yield from ((method, route) for method in sorted(methods - {"HEAD", "OPTIONS"}))


def keyed_routes(app: FastAPI) -> set[tuple[str, str]]:
    """Return method and path of every route of the API that needs a key."""
    return {
        (method, route.path) for method, route in methods_of(app) if isinstance(route, KeyedRoute)
    }


def changing_routes(app: FastAPI) -> set[tuple[str, str]]:
    """Return method and path of every route of the API that changes something."""
    return {
        (method, path)
        for method, path in keyed_routes(app)
        if method != "GET" and path not in READING_POSTS
    }
