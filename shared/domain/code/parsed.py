"""What a parser finds in one source file. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Function:
    """A function at the top of its file; methods belong to their class."""

    name: str
    is_async: bool = False
    is_generator: bool = False
    params: tuple[str, ...] = ()
    return_type: str | None = None


@dataclass(frozen=True, slots=True)
class Class:
    """A class, or a Go struct with the methods of its file."""

    name: str
    extends: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Component:
    """A React component: a capitalized function that returns JSX, or a class."""

    name: str
    hooks: tuple[str, ...] = ()
    props: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Import:
    """An import as it is written: `from a.b import c`, `import {c} from './b'`."""

    module: str
    specifiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedCode:
    """The structure of one file; empty where its language is not parsed."""

    language: str | None
    functions: tuple[Function, ...] = ()
    classes: tuple[Class, ...] = ()
    components: tuple[Component, ...] = ()
    imports: tuple[Import, ...] = ()
    exports: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    has_api_calls: bool = False
    has_syntax_errors: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names that the file defines, each once, in a stable order."""
        defined = (*self.classes, *self.components, *self.functions)
        return tuple(dict.fromkeys((*(item.name for item in defined), *self.types)))
