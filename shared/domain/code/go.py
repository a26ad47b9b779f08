"""Reads the structure of a Go file. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

import tree_sitter_go
from tree_sitter import Language, Node, Query

from shared.domain.code.parsed import Class, Function, Import, ParsedCode
from shared.domain.code.syntax import (
    field_text,
    find_nodes,
    parse,
    statements,
    text_of,
    unique,
    unquote,
)

_LANGUAGE: Final = Language(tree_sitter_go.language())
_SPECS: Final = Query(_LANGUAGE, "(import_spec) @import (type_spec) @type (type_alias) @alias")
_CONTAINERS: Final = frozenset({"ERROR"})


def parse_go(content: str) -> ParsedCode:
    """Return what a Go file defines and imports; a struct counts as a class."""
    root = parse(_LANGUAGE, content).root_node
    top = list(statements(root, _CONTAINERS))
    specs = [(kind, node) for kind, node in find_nodes(_SPECS, root) if _is_top(kind, node)]
    functions = unique(_function(node) for node in top if node.type == "function_declaration")
    classes = unique(_classes(top, [node for kind, node in specs if kind == "type"]))
    types = tuple(dict.fromkeys(_types(specs, {item.name for item in classes})))
    names = (*(item.name for item in (*functions, *classes)), *types)
    return ParsedCode(
        language="go",
        functions=functions,
        classes=classes,
        imports=tuple(_import(node) for kind, node in specs if kind == "import"),
        exports=tuple(name for name in names if name[0].isupper()),
        types=types,
        has_syntax_errors=root.has_error,
    )


def _is_top(kind: str, node: Node) -> bool:
    """Return whether a type is declared at the top of the file, not inside a function."""
    owner = node.parent.parent if node.parent else None
    return kind == "import" or owner is None or owner.type in ("source_file", "ERROR")


def _function(node: Node) -> Function:
    parameters = node.child_by_field_name("parameters")
    listed = parameters.named_children if parameters else []
    return Function(
        name=field_text(node, "name"),
        params=tuple(
            text_of(name) for child in listed for name in child.children_by_field_name("name")
        ),
        return_type=field_text(node, "result") or None,
    )


def _classes(top: list[Node], specs: list[Node]) -> Iterator[Class]:
    """Yield the structs, and the types that have methods but stand in another file."""
    methods: defaultdict[str, list[str]] = defaultdict(list)
    for node in top:
        if node.type == "method_declaration":
            methods[_receiver(node)].append(field_text(node, "name"))
    for spec in specs:
        name, kind = field_text(spec, "name"), spec.child_by_field_name("type")
        if name in methods or (kind is not None and kind.type == "struct_type"):
            yield Class(name, tuple(_embedded(kind)), tuple(methods.pop(name, ())))
    for name, found in methods.items():
        yield Class(name, (), tuple(found))


def _receiver(node: Node) -> str:
    receiver = field_text(node, "receiver").strip("() ")
    return receiver.rpartition(" ")[2].lstrip("*").partition("[")[0]


def _embedded(struct: Node | None) -> Iterator[str]:
    fields = struct.named_children[0] if struct and struct.named_children else None
    for item in fields.named_children if fields else ():
        if item.type == "field_declaration" and item.child_by_field_name("name") is None:
            yield field_text(item, "type").lstrip("*")


def _types(specs: list[tuple[str, Node]], classes: set[str]) -> Iterator[str]:
    for kind, node in specs:
        name = field_text(node, "name")
        if kind != "import" and name and name not in classes:
            yield name


def _import(node: Node) -> Import:
    alias = field_text(node, "name")
    return Import(unquote(field_text(node, "path")), (alias,) if alias else ())
