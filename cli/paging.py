"""Lists of the API that come in pages, read to their end."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter

from cli.api_client import ApiClient, Params

ROWS: Final = TypeAdapter(list[JsonValue])


class Page(BaseModel):
    """A page of any list."""

    model_config = ConfigDict(extra="allow")

    next: str | None = None


def get_pages(
    client: ApiClient, path: str, field: str, params: Params | None = None
) -> list[JsonValue]:
    """Return what stands under `field` of all pages, in their order.

    Raises:
        ApiUnreachableError, ApiRefusedError
    """
    found: list[JsonValue] = []
    after: str | None = None
    while True:
        page = Page.model_validate(client.get(path, {**(params or {}), "after": after}))
        found += ROWS.validate_python(getattr(page, field))
        if (after := page.next) is None:
            return found
