"""A thin layer over tree-sitter that the languages share. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import TypeVar

from tree_sitter import Language, Node, Parser, Query, QueryCursor, Tree

from shared.domain.code.parsed import Class, Component, Function

_ERRORS = frozenset({"ERROR"})
Named = TypeVar("Named", Function, Class, Component)


def parse(language: Language, content: str) -> Tree:
    """Return the syntax tree; of broken source, what can be read of it."""
    return Parser(language).parse(content.encode("utf-8", errors="replace"))


def text_of(node: Node | None) -> str:
    """Return the source of a node; empty for none."""
    return node.text.decode("utf-8", errors="replace") if node and node.text else ""


def field_text(node: Node, field: str) -> str:
    """Return the source of a node's field; empty when it has none."""
    return text_of(node.child_by_field_name(field))


def has_token(node: Node, token: str) -> bool:
    """Return whether a keyword such as `async` stands in front of a definition."""
    return any(child.type == token for child in node.children)


def find_nodes(query: Query, root: Node) -> Iterator[tuple[str, Node]]:
    """Yield the captures of a query in the order of the source, with their names.

    Statement by statement: over one error node with very many children, as a broken file may
    have, a query takes quadratic time.
    """
    cursor = QueryCursor(query)
    for statement in statements(root, _ERRORS):
        captured = cursor.captures(statement)
        found = [
            (node.start_byte, name, node) for name, nodes in captured.items() for node in nodes
        ]
        for _, name, node in sorted(found, key=lambda item: item[0]):
            yield name, node


def statements(root: Node, containers: Container[str]) -> Iterator[Node]:
    """Yield the statements at the top of a file, those inside `if`, `try` and errors too."""
    stack = [root]
    while stack:
        node = stack.pop()
        if node is root or node.type in containers:
            stack.extend(reversed(node.named_children))
        else:
            yield node


def unique(items: Iterable[Named]) -> tuple[Named, ...]:
    """Return the items with each name once: overloads and variants are one thing."""
    first: dict[str, Named] = {}
    for item in items:
        first.setdefault(item.name, item)
    return tuple(item for name, item in first.items() if name)


def unquote(text: str) -> str:
    """Return a string literal's content."""
    return text.strip("\"'`")
