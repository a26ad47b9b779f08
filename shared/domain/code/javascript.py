"""Reads the structure of a JavaScript or TypeScript file, JSX included. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import tree_sitter_javascript
import tree_sitter_typescript
from tree_sitter import Language, Node, Query

from shared.domain.code.parsed import Class, Component, Function, Import, ParsedCode
from shared.domain.code.react import find_components
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

_IMPORTS: Final = """
(import_statement) @import
(export_statement source: (string)) @import
(call_expression function: (identifier) @name arguments: (arguments . (string) @required)
  (#eq? @name "require"))
(call_expression function: (import) arguments: (arguments . (string) @required))
"""
_JSX: Final = """
[(jsx_element) (jsx_self_closing_element)] @jsx
(call_expression function: (identifier) @hook (#match? @hook "^use[A-Z]"))
(call_expression function: (member_expression property: (property_identifier) @hook)
  (#match? @hook "^use[A-Z]"))
"""


@dataclass(frozen=True, slots=True)
class Grammar:
    """A language with its queries; plain TypeScript has no JSX to look for."""

    language: Language
    imports: Query
    jsx: Query | None


def _grammar(pointer: object, *, with_jsx: bool) -> Grammar:
    language = Language(pointer)
    jsx = Query(language, _JSX) if with_jsx else None
    return Grammar(language, Query(language, _IMPORTS), jsx)


_JAVASCRIPT: Final = _grammar(tree_sitter_javascript.language(), with_jsx=True)
_TYPESCRIPT: Final = _grammar(tree_sitter_typescript.language_typescript(), with_jsx=False)
_TSX: Final = _grammar(tree_sitter_typescript.language_tsx(), with_jsx=True)

_CONTAINERS: Final = frozenset(
    {
        "export_statement", "ambient_declaration", "internal_module", "module", "statement_block",
        "lexical_declaration", "variable_declaration", "expression_statement", "if_statement",
        "try_statement", "ERROR",
    }
)  # fmt: skip
_FUNCTIONS: Final = frozenset(
    {
        "function_declaration", "generator_function_declaration", "function_signature",
        "arrow_function", "function_expression", "generator_function", "function",
    }
)  # fmt: skip
_CLASSES: Final = frozenset({"class_declaration", "abstract_class_declaration", "class"})
_TYPES: Final = frozenset({"interface_declaration", "type_alias_declaration", "enum_declaration"})
_MEMBERS: Final = frozenset({"method_definition", "abstract_method_signature", "method_signature"})


def parse_javascript(content: str, language: str, path: str) -> ParsedCode:
    """Return what a JavaScript, TypeScript, JSX or TSX file defines, imports and exports."""
    grammar = _JAVASCRIPT
    if language == "typescript":
        grammar = _TSX if path.lower().endswith("tsx") else _TYPESCRIPT
    root = parse(grammar.language, content).root_node
    top = list(statements(root, _CONTAINERS))
    bodies = {name: node for node in top for name, node in _definitions(node)}
    found = [(name, node) for name, node in bodies.items() if node.type in _FUNCTIONS]
    classes = unique(_class(name, node) for name, node in bodies.items() if node.type in _CLASSES)
    return ParsedCode(
        language=language,
        functions=unique(_function(name, node) for name, node in found),
        classes=classes,
        components=_components(grammar, root, found, classes),
        imports=tuple(_imports(grammar, root)),
        exports=tuple(dict.fromkeys(_exports(root, top))),
        types=tuple(dict.fromkeys(field_text(node, "name") for node in top if node.type in _TYPES)),
        has_syntax_errors=root.has_error,
    )


def _definitions(node: Node) -> Iterator[tuple[str, Node]]:
    """Yield what a statement names: a declaration, `const f = …`, `exports.f = …`."""
    value, name = node, field_text(node, "name")
    if node.type == "variable_declarator":
        value = _unwrap(node.child_by_field_name("value"))
    elif node.type == "assignment_expression":
        value = _unwrap(node.child_by_field_name("right"))
        name = field_text(node, "left").rpartition(".")[2]
    if value is not None and (value.type in _FUNCTIONS or value.type in _CLASSES):
        yield name or "default", value


def _unwrap(value: Node | None) -> Node | None:
    """Return the function inside `memo(…)`, `forwardRef(…)`, `useCallback(…)` and the like."""
    while value is not None and value.type in ("call_expression", "parenthesized_expression"):
        inner = value.child_by_field_name("arguments") or value
        value = inner.named_children[0] if inner.named_children else None
    return value


def _function(name: str, node: Node) -> Function:
    parameters = node.child_by_field_name("parameters")
    single = field_text(node, "parameter")
    listed = (
        [child for child in parameters.named_children if child.type != "comment"]
        if (parameters)
        else []
    )
    return Function(
        name=name,
        is_async=has_token(node, "async"),
        is_generator=node.type.startswith("generator") or has_token(node, "*"),
        params=(single,) if single else tuple(_parameter(child) for child in listed),
        return_type=field_text(node, "return_type").lstrip(": ") or None,
    )


def _parameter(node: Node) -> str:
    pattern = node.child_by_field_name("pattern") or node.child_by_field_name("left") or node
    return " ".join(text_of(pattern).split())


def _class(name: str, node: Node) -> Class:
    heritage = next((child for child in node.children if child.type == "class_heritage"), None)
    body = node.child_by_field_name("body")
    members = body.named_children if body else []
    names = (field_text(item, "name") for item in members if _is_method(item))
    return Class(name, tuple(_bases(heritage)), tuple(dict.fromkeys(names)))


def _is_method(node: Node) -> bool:
    value = node.child_by_field_name("value")
    return node.type in _MEMBERS or (value is not None and value.type in _FUNCTIONS)


def _bases(heritage: Node | None) -> Iterator[str]:
    for clause in heritage.named_children if heritage else ():
        if clause.type not in ("extends_clause", "implements_clause"):
            yield text_of(clause)  # plain JavaScript has no clauses
        elif clause.type == "extends_clause":
            yield from map(text_of, clause.children_by_field_name("value"))


def _components(
    grammar: Grammar, root: Node, functions: list[tuple[str, Node]], classes: tuple[Class, ...]
) -> tuple[Component, ...]:
    if grammar.jsx is None:
        return ()
    return unique(find_components(find_nodes(grammar.jsx, root), functions, classes))


def _imports(grammar: Grammar, root: Node) -> Iterator[Import]:
    for kind, node in find_nodes(grammar.imports, root):
        if kind == "import":
            source = field_text(node, "source")
            if source:
                yield Import(unquote(source), tuple(_specifiers(node)))
        elif kind == "required":
            yield Import(unquote(text_of(node)))


def _specifiers(node: Node) -> Iterator[str]:
    stack = list(reversed(node.named_children))
    while stack:
        child = stack.pop()
        if child.type in ("import_specifier", "export_specifier"):
            yield field_text(child, "name")
        elif child.type == "namespace_import":
            yield "*"
        elif child.type == "identifier":
            yield "default"
        elif child.type in ("import_clause", "named_imports", "export_clause"):
            stack.extend(reversed(child.named_children))


def _exports(root: Node, top: list[Node]) -> Iterator[str]:
    for node in root.named_children:
        if node.type == "export_statement":
            yield from _exported(node)
    for node in top:
        if node.type == "assignment_expression":
            left = field_text(node, "left")
            if left == "module.exports":
                yield "default"
            elif left.startswith(("exports.", "module.exports.")):
                yield left.rpartition(".")[2]


def _exported(node: Node) -> Iterator[str]:
    if has_token(node, "default"):
        yield "default"
        return
    clause = next((child for child in node.named_children if child.type == "export_clause"), None)
    for item in clause.named_children if clause else ():
        yield field_text(item, "alias") or field_text(item, "name")
    declaration = node.child_by_field_name("declaration")
    if declaration is not None:
        declared = (
            declaration.named_children
            if declaration.type.startswith(("lex", "var"))
            else [declaration]
        )
        yield from (name for item in declared if (name := field_text(item, "name")))
