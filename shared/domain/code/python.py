"""Reads the structure of a Python file. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import tree_sitter_python
from tree_sitter import Language, Node, Query

from shared.domain.code.parsed import Class, Function, Import, ParsedCode
from shared.domain.code.syntax import (
    field_text,
    find_nodes,
    has_token,
    parse,
    statements,
    text_of,
    unique,
    unquote,
)

_LANGUAGE: Final = Language(tree_sitter_python.language())
_IMPORTS: Final = Query(
    _LANGUAGE, "(import_statement) @plain (import_from_statement) @from (yield) @yield"
)
_CONTAINERS: Final = frozenset(
    {
        "if_statement", "elif_clause", "else_clause", "try_statement", "except_clause",
        "finally_clause", "with_statement", "block", "decorated_definition", "ERROR",
    }
)  # fmt: skip
_SCOPES: Final = frozenset({"function_definition", "lambda"})
_SEPARATORS: Final = frozenset({"keyword_separator", "positional_separator", "comment"})
_TYPE_MAKERS: Final = ("NewType(", "TypeVar(", "ParamSpec(", "Literal[", "Union[")


def parse_python(content: str) -> ParsedCode:
    """Return what a Python file defines and imports."""
    root = parse(_LANGUAGE, content).root_node
    nodes = list(find_nodes(_IMPORTS, root))
    generators = {_scope(node) for name, node in nodes if name == "yield"}
    top = list(statements(root, _CONTAINERS))
    functions = unique(
        _function(node, generators) for node in top if node.type == "function_definition"
    )
    classes = unique(_class(node) for node in top if node.type == "class_definition")
    types = tuple(name for node in top if (name := _type_name(node)))
    names = (*(item.name for item in (*functions, *classes)), *types)
    return ParsedCode(
        language="python",
        functions=functions,
        classes=classes,
        imports=tuple(found for name, node in nodes for found in _imports(name, node)),
        exports=_declared_exports(top) or tuple(name for name in names if name[0] != "_"),
        types=types,
        has_syntax_errors=root.has_error,
    )


def _scope(node: Node) -> int | None:
    scope: Node | None = node
    while scope is not None and scope.type not in _SCOPES:
        scope = scope.parent
    return scope.id if scope else None


def _function(node: Node, generators: set[int | None]) -> Function:
    parameters = node.child_by_field_name("parameters")
    listed = parameters.named_children if parameters else []
    return Function(
        name=field_text(node, "name"),
        is_async=has_token(node, "async"),
        is_generator=node.id in generators,
        params=tuple(_parameter(child) for child in listed if child.type not in _SEPARATORS),
        return_type=field_text(node, "return_type") or None,
    )


def _parameter(node: Node) -> str:
    return text_of(node).partition("=")[0].partition(":")[0].strip()


def _class(node: Node) -> Class:
    bases = node.child_by_field_name("superclasses")
    listed = bases.named_children if bases else []
    skipped = ("keyword_argument", "comment")
    body = node.child_by_field_name("body")
    members = statements(body, _CONTAINERS) if body else iter(())
    methods = (field_text(item, "name") for item in members if item.type == "function_definition")
    return Class(
        name=field_text(node, "name"),
        extends=tuple(text_of(child) for child in listed if child.type not in skipped),
        methods=tuple(dict.fromkeys(methods)),
    )


def _imports(kind: str, node: Node) -> Iterator[Import]:
    names = tuple(_imported_name(child) for child in node.children_by_field_name("name"))
    if kind == "plain":
        yield from (Import(name) for name in names)
    elif kind == "from":
        wildcard = any(child.type == "wildcard_import" for child in node.named_children)
        module = "".join(field_text(node, "module_name").split())
        yield Import(module, ("*",) if wildcard else names)


def _imported_name(node: Node) -> str:
    return field_text(node, "name") if node.type == "aliased_import" else text_of(node)


def _assignment(node: Node) -> Node | None:
    inner = node.named_children[0] if node.type == "expression_statement" else None
    return inner if inner is not None and inner.type == "assignment" else None


def _type_name(node: Node) -> str | None:
    if node.type == "type_alias_statement":
        return field_text(node, "left").partition("[")[0].strip()
    assignment = _assignment(node)
    if assignment is None:
        return None
    declared = "TypeAlias" in field_text(assignment, "type")
    made = field_text(assignment, "right").removeprefix("typing.").startswith(_TYPE_MAKERS)
    return field_text(assignment, "left") if declared or made else None


def _declared_exports(top: list[Node]) -> tuple[str, ...]:
    assignments = (found for node in top if (found := _assignment(node)))
    for assignment in assignments:
        values = assignment.child_by_field_name("right")
        if field_text(assignment, "left") == "__all__" and values is not None:
            strings = (child for child in values.named_children if child.type == "string")
            return tuple(unquote(text_of(child)) for child in strings)
    return ()
