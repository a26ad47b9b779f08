"""Which pages there are: every module in `pages/` brings a `PAGE` and a `router`."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Final

from fastapi import APIRouter

from services.api.dashboard import pages
from shared.postgres.api_keys import ApiKey, Scope

ROOT: Final = "/dashboard"
ORDER: Final = (
    "overview",
    "queues",
    "jobs",
    "dead-letters",
    "traces",
    "patterns",
    "projects",
    "search",
    "graph",
)


@dataclass(frozen=True, slots=True)
class Page:
    """One entry of the navigation; its pages are `/dashboard/<name>` and what lies below."""

    name: str
    title: str
    question: str
    """The one thing that it answers."""
    key: str
    """Pressed after `g`, it leads here."""
    scope: Scope = "read"
    """What a key needs to see it; the routes ask for it, the navigation only hides it."""

    @property
    def path(self) -> str:
        return f"{ROOT}/{self.name}"

    def is_for(self, caller: ApiKey) -> bool:
        """Return whether the caller's key has the scope."""
        return self.scope in caller.scopes


@dataclass(frozen=True, slots=True)
class Found:
    """A page and its routes."""

    page: Page
    router: APIRouter


@cache
def find_pages() -> tuple[Found, ...]:
    """Return the pages that exist, in the order of the navigation."""
    names = sorted(module.name for module in pkgutil.iter_modules(pages.__path__))
    modules = [import_module(f"{pages.__name__}.{name}") for name in names]
    found = [Found(module.PAGE, module.router) for module in modules if hasattr(module, "PAGE")]
    return tuple(sorted(found, key=lambda one: ORDER.index(one.page.name)))


def pages_of(caller: ApiKey) -> list[Page]:
    """Return what the navigation shows this caller."""
    return [found.page for found in find_pages() if found.page.is_for(caller)]


def page_at(path: str, known: Iterable[Page]) -> Page | None:
    """Return the page that a path belongs to."""
    return next((page for page in known if f"{path}/".startswith(f"{page.path}/")), None)
