"""The OpenAPI document: every operation is described, and shows what is sent and answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from jsonschema_rs import Draft202012Validator  # schemathesis brings it
from opentelemetry.sdk.trace import TracerProvider
from pydantic import SecretStr

from services.api.app import create_app
from shared.settings import Settings

Node = dict[str, Any]
NOTHING = "204"


@pytest.fixture(scope="module")
def document() -> Node:
    settings = Settings(
        postgres_dsn=SecretStr("postgresql://x/y"),
        neo4j_uri="bolt://x",
        neo4j_user="x",
        neo4j_password=SecretStr("x"),
    )
    # As clients read it: a date in an example must be text.
    return json.loads(json.dumps(create_app(settings, TracerProvider()).openapi()))


def operations(document: Node) -> Iterator[tuple[str, Node]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def contents(document: Node) -> Iterator[tuple[str, Node]]:
    """Yield every content of a request and of an answer, errors too."""
    for name, operation in operations(document):
        described = [operation.get("requestBody", {}), *operation["responses"].values()]
        for one in described:
            for media_type, content in one.get("content", {}).items():
                yield f"{name} {media_type}", content


def examples_of(node: Node, document: Node) -> list[Any]:
    """Return the examples of a content, a parameter or a schema, those of its alternatives too."""
    if "example" in node:
        return [node["example"]]
    schema = resolve(node.get("schema", node), document)
    found = [*node.get("examples", ()), *schema.get("examples", ())]
    for other in [*schema.get("anyOf", ()), *schema.get("oneOf", ())]:
        found += examples_of({"schema": other}, document)
    return found


def resolve(schema: Node, document: Node) -> Node:
    if "$ref" in schema:
        return document["components"]["schemas"][schema["$ref"].split("/")[-1]]
    return schema


def says_itself(schema: Node, document: Node) -> bool:
    """Return whether a schema needs no example: choices, a yes or no, or a value by default."""
    schema = resolve(schema, document)
    if schema.get("default") is not None or schema.keys() & {"enum", "const"}:
        return True
    if schema.get("type") == "boolean":
        return True
    parts = [*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else [])]
    return any(says_itself(one, document) for one in parts)


def validator(schema: Node, document: Node) -> Draft202012Validator:
    whole = {**schema, "components": document["components"]}
    return Draft202012Validator(whole, validate_formats=True)


def undescribed(value: Any, schema: Node, document: Node) -> Iterator[str]:
    """Yield names in an example that its schema does not know."""
    schema = resolve(schema, document)
    for other in schema.get("anyOf", ()):
        yield from undescribed(value, other, document)
    if isinstance(value, list) and "items" in schema:
        for one in cast(list[Any], value):
            yield from undescribed(one, schema["items"], document)
    if isinstance(value, dict) and "properties" in schema:
        fields, known = cast(Node, value), cast(Node, schema["properties"])
        yield from fields.keys() - known.keys()
        for name in fields.keys() & known.keys():
            yield from undescribed(fields[name], known[name], document)


def test_every_operation_says_what_it_does(document: Node) -> None:
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], name


def test_every_parameter_has_an_example_or_says_itself_what_it_takes(document: Node) -> None:
    without = [
        f"{name} {parameter['name']}"
        for name, operation in operations(document)
        for parameter in operation.get("parameters", ())
        if not examples_of(parameter, document) and not says_itself(parameter["schema"], document)
    ]
    assert without == []


def test_every_request_and_answer_with_content_shows_an_example(document: Node) -> None:
    without = [name for name, one in contents(document) if not examples_of(one, document)]
    assert without == []
    for name, operation in operations(document):
        [good] = [status for status in operation["responses"] if status.startswith("2")]
        assert operation["responses"][good].get("content") or good == NOTHING, name


def test_every_example_is_as_its_schema_says(document: Node) -> None:
    checked = 0
    for name, content in contents(document):
        schema = content.get("schema", {})
        for example in examples_of(content, document):
            problems = [error.message for error in validator(schema, document).iter_errors(example)]
            assert problems == [], name
            assert list(undescribed(example, schema, document)) == [], name
            checked += 1
    for name, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            for example in examples_of(parameter, document):
                assert validator(parameter["schema"], document).is_valid(example), name
    assert checked > 100
