"""What is read of a source file, language by language."""

from __future__ import annotations

from time import process_time

import pytest

from shared.domain.code.parsed import Class, Component, Function, Import, ParsedCode
from shared.domain.code_parsing import embedding_text, measure_code_signals, parse_code

PYTHON = """
from __future__ import annotations
import os, a.b.c as abc
from . import x
from ..pkg.mod import (y, z as zz)
from star import *
Key = NewType("Key", int)
type Alias[X] = list[X]
@decorator
async def load(a, /, b: int = 1, *args: str, c, **kw) -> dict[str, int]:
    def inner():
        yield 1
    return requests.get(a)
def numbers():
    for n in []:
        yield n
class Shop(Base, Generic[T], metaclass=Meta):
    @property
    def total(self): ...
    async def pay(self): ...
try:
    import fast
except ImportError:
    def fallback(): pass
"""

TSX = """
import React, { useState, type FC as F } from "react";
import * as path from 'path';
import './side.css';
export * from "./other";
export { a as b } from './c';
const lazy = () => import("./lazy");
export interface Props { a: string }
type Foo<T> = T | null;
export enum E { A }
export const Button = ({ a, b: c, d = 1, ...rest }: Props) => {
  const [s] = useState(0);
  return <div {...rest}>{s}</div>;
};
const Card = memo(function Card(props: Props) { React.useEffect(() => {}); return <><p/></>; });
export default function App() { return <Button a=""/>; }
async function* pages<T>(id: string, n?: number): Promise<T> { await fetch("/x"); }
export abstract class Repo<T> extends Base<T> implements I {
  private find = () => 1;
  static async save() {}
}
class Old extends React.Component { render() { return <p/>; } }
function useCart() { return useState(1); }
"""

JAVASCRIPT = """
const { a, b } = require('./x');
exports.foo = async function (q) {};
module.exports = { a };
function* g() {}
class A extends B { run() {} }
export const k = 1, l = 2;
"""

GO = """package main
import (
  "fmt"
  m "entire.io/cli/cmd"
)
type Server struct { *Base; io.Reader; a, b int }
type Runner interface { Run() }
type Name = string
func (s *Server) Start(x int) error { return nil }
func (s Server) stop() {}
func (o *Other[T]) Move() {}
func main() { type local struct{}; http.Get("x") }
func Two(a, b int, c ...string) (int, error) { return 0, nil }
"""


def test_python_functions_classes_imports_and_types() -> None:
    parsed = parse_code(PYTHON, "python", "shop/cart.py")

    assert parsed.functions == (
        Function("load", True, False, ("a", "b", "*args", "c", "**kw"), "dict[str, int]"),
        Function("numbers", is_generator=True),
        Function("fallback"),
    )
    assert parsed.classes == (Class("Shop", ("Base", "Generic[T]"), ("total", "pay")),)
    assert parsed.imports == (
        Import("os"),
        Import("a.b.c"),
        Import(".", ("x",)),
        Import("..pkg.mod", ("y", "z")),
        Import("star", ("*",)),
        Import("fast"),
    )
    assert parsed.types == ("Key", "Alias")
    assert parsed.exports == ("load", "numbers", "fallback", "Shop", "Key", "Alias")
    assert parsed.has_api_calls


def test_python_all_declares_the_exports() -> None:
    parsed = parse_code("__all__ = ['a', \"b\"]\ndef a(): ...\ndef c(): ...", "python", "m.py")

    assert parsed.exports == ("a", "b")


def test_tsx_components_with_hooks_and_props() -> None:
    parsed = parse_code(TSX, "typescript", "web/Button.tsx")

    assert parsed.components == (
        Component("Button", ("useState",), ("a", "b", "d", "...rest")),
        Component("Card", ("useEffect",), ("props",)),
        Component("App"),
        Component("Old"),
    )


def test_typescript_functions_classes_imports_exports_and_types() -> None:
    parsed = parse_code(TSX, "typescript", "web/Button.tsx")

    assert [item.name for item in parsed.functions] == [
        "lazy", "Button", "Card", "App", "pages", "useCart"
    ]  # fmt: skip
    assert Function("pages", True, True, ("id", "n"), "Promise<T>") in parsed.functions
    assert Class("Repo", ("Base",), ("find", "save")) in parsed.classes
    assert parsed.imports == (
        Import("react", ("default", "useState", "FC")),
        Import("path", ("*",)),
        Import("./side.css"),
        Import("./other"),
        Import("./c", ("a",)),
        Import("./lazy"),
    )
    assert parsed.exports == ("b", "Props", "E", "Button", "default", "Repo")
    assert parsed.types == ("Props", "Foo", "E")
    assert parsed.has_api_calls


def test_generics_that_tsx_forbids_are_read_in_plain_typescript() -> None:
    parsed = parse_code(
        "const id = <T>(value: T): T => value; const n = <number>x;", "typescript", "a.ts"
    )

    assert not parsed.has_syntax_errors
    assert parsed.functions == (Function("id", params=("value",), return_type="T"),)


def test_common_js_modules() -> None:
    parsed = parse_code(JAVASCRIPT, "javascript", "a.js")

    assert parsed.imports == (Import("./x"),)
    assert parsed.exports == ("k", "l", "foo", "default")
    assert parsed.functions == (
        Function("foo", is_async=True, params=("q",)),
        Function("g", is_generator=True),
    )
    assert parsed.classes == (Class("A", ("B",), ("run",)),)


def test_go_structs_are_classes_with_their_methods() -> None:
    parsed = parse_code(GO, "go", "main.go")

    assert parsed.functions == (
        Function("main"),
        Function("Two", params=("a", "b", "c"), return_type="(int, error)"),
    )
    assert parsed.classes == (
        Class("Server", ("Base", "io.Reader"), ("Start", "stop")),
        Class("Other", (), ("Move",)),
    )
    assert parsed.types == ("Runner", "Name")
    assert parsed.imports == (Import("fmt"), Import("entire.io/cli/cmd", ("m",)))
    assert parsed.exports == ("Two", "Server", "Other", "Runner", "Name")
    assert parsed.has_api_calls


@pytest.mark.parametrize(
    ("language", "path", "content"),
    [
        ("python", "a.py", "def good(): pass\ndef broken(:\n  x = (\ndef after(): pass\n"),
        ("javascript", "a.js", "function good() {}\nfunction broken( {\nfunction after() {}\n"),
        ("typescript", "a.ts", "function good(a: number) {}\nconst = ;\nfunction after() {}\n"),
        ("go", "a.go", "package a\nfunc good() {}\nfunc broken( {\n}\nfunc after() {}\n"),
    ],
)
def test_broken_source_gives_what_can_be_read(language: str, path: str, content: str) -> None:
    parsed = parse_code(content, language, path)

    assert parsed.has_syntax_errors
    assert "good" in parsed.names


def test_other_languages_keep_their_name_only() -> None:
    assert parse_code("fn main() {}", "rust", "main.rs") == ParsedCode("rust")
    assert parse_code("hello", None, "NOTES") == ParsedCode(None)


def test_a_name_defined_twice_is_named_once() -> None:
    parsed = parse_code("def a(x): ...\ndef b(): ...\ndef a(y): ...", "python", "a.py")

    assert parsed.functions == (Function("a", params=("x",)), Function("b"))


@pytest.mark.parametrize("language", ["python", "javascript", "typescript", "go"])
@pytest.mark.parametrize(
    "part", ["\x00\ud800", "(", "{[", "a.", "<a>", "x=1;", "def f(:\n", "{a:", "}])", "`${"]
)
def test_hostile_source_neither_fails_nor_hangs(language: str, part: str) -> None:
    started = process_time()

    parse_code(part * (100_000 // len(part)), language, "a.tsx")

    assert process_time() - started < 10  # below 1 s alone


@pytest.mark.parametrize("language", ["typescript", "go"])
def test_brackets_that_overflow_the_parsers_stack_are_not_parsed(language: str) -> None:
    parsed = parse_code("func good() {}" + "{[" * 250_000, language, "a.go")

    assert parsed == ParsedCode(language, has_syntax_errors=True)


@pytest.mark.parametrize(
    ("path", "is_test", "is_config"),
    [
        ("tests/unit/test_a.py", True, False),
        ("pkg/server_test.go", True, False),
        ("web/Button.spec.tsx", True, False),
        ("src/contest.py", False, False),
        ("pyproject.toml", False, True),
        ("vite.config.ts", False, True),
        (".eslintrc.js", False, True),
        ("shop/settings.py", False, True),
        ("shop/cart.py", False, False),
    ],
)
def test_test_and_config_files_are_known_by_their_path(
    path: str, is_test: bool, is_config: bool
) -> None:
    signals = measure_code_signals(path, ParsedCode("python"))

    assert (signals.is_test_file, signals.is_config_file) == (is_test, is_config)


def test_the_signals_count_what_was_found() -> None:
    signals = measure_code_signals("web/a.tsx", parse_code(TSX, "typescript", "web/a.tsx"))

    assert (signals.function_count, signals.class_count, signals.import_count) == (6, 2, 6)
    assert signals.has_components
    assert signals.has_types
    assert signals.has_exports
    assert signals.language == "typescript"


def test_the_embedded_text_is_name_path_names_and_the_beginning() -> None:
    content = "def pay(): ...\n" + "#" * 1000
    parsed = parse_code(content, "python", "shop/cart.py")

    assert embedding_text("shop/cart.py", parsed, content) == (
        f"cart.py\nshop/cart.py\npay\n{content[:500]}"
    )
