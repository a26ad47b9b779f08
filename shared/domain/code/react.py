"""Finds React components among the functions and classes of a file. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from tree_sitter import Node

from shared.domain.code.parsed import Class, Component
from shared.domain.code.syntax import field_text, text_of

_COMPONENT_CLASSES: Final = ("Component", "PureComponent")
_NAMED_BY: Final = {"pair_pattern": "key", "object_assignment_pattern": "left"}


def find_components(
    captures: Iterable[tuple[str, Node]],
    functions: list[tuple[str, Node]],
    classes: tuple[Class, ...],
) -> Iterator[Component]:
    """Yield the components; `captures` are the file's JSX elements and calls of hooks."""
    places = sorted((node.start_byte, node.end_byte, name) for name, node in functions)
    starts = [start for start, _, _ in places]
    with_jsx: set[str] = set()
    hooks: defaultdict[str, list[str]] = defaultdict(list)
    for kind, node in captures:
        position = bisect_right(starts, node.start_byte) - 1
        if position < 0 or places[position][1] < node.end_byte:
            continue
        owner = places[position][2]
        if kind == "jsx":
            with_jsx.add(owner)
        else:
            hooks[owner].append(text_of(node))
    for name, node in functions:
        if name in with_jsx and (name[0].isupper() or name == "default"):
            yield Component(name, tuple(dict.fromkeys(hooks[name])), tuple(_props(node)))
    for found in classes:
        if any(base.rpartition(".")[2] in _COMPONENT_CLASSES for base in found.extends):
            yield Component(found.name)


def _props(function: Node) -> Iterator[str]:
    parameters = function.child_by_field_name("parameters")
    first = parameters.named_children[0] if parameters and parameters.named_children else None
    pattern = (first.child_by_field_name("pattern") or first) if first else None
    if pattern is None:
        return
    if pattern.type != "object_pattern":
        yield text_of(pattern)
        return
    for item in pattern.named_children:
        field = _NAMED_BY.get(item.type)
        yield field_text(item, field) if field else text_of(item)
