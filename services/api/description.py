"""The OpenAPI document, and what the kinds of problems mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from services.api.answers import Answer
from services.api.errors import Problem
from services.api.examples import examples_of
from services.api.problem_kinds import BY_NAME, PLACE
from shared.errors import NotFoundError

REFERENCES: Final = "#/components/schemas/{model}"
router = APIRouter(include_in_schema=False)


@router.get(PLACE + "/{name}")
async def get_problem_kind(name: str) -> PlainTextResponse:
    """Say what a `type` of a problem means, and what to do then; needs no key."""
    if (kind := BY_NAME.get(name)) is None:
        raise NotFoundError("no such kind of problem; /openapi.json describes errors")
    return PlainTextResponse(f"{kind.title} ({kind.status.value}).\n{kind.next_step}\n")


def _with_nulls(schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schemas of answers with their examples whole: FastAPI leaves out what is null."""
    examples = {model.__name__: examples_of(model) for model in _kinds_of(Answer)}
    found = {name: own for name, own in examples.items() if own and name in schemas}
    return {name: schemas[name] | {"examples": own} for name, own in found.items()}


def _kinds_of(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for kind in model.__subclasses__():
        yield kind
        yield from _kinds_of(kind)


def install_description(app: FastAPI) -> None:
    """Let the document describe the body of errors too: it is of no route's own type."""
    describe = app.openapi

    def describe_with_problems() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = Problem.model_json_schema(ref_template=REFERENCES)
            schemas = describe()["components"]["schemas"]
            schemas.update(schema.pop("$defs"), Problem=schema)
            schemas.update(_with_nulls(schemas))
        return describe()

    # FastAPI's documented way to extend it.
    app.openapi = describe_with_problems
