"""Reads the structure of source files with tree-sitter, and what is embedded of them. Pure.

Needs the extra `supastate-shared[code]`. Broken source yields what can be read of it; a language
without a parser yields its name only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from shared.domain.clean_text import clean_text
from shared.domain.code.go import parse_go
from shared.domain.code.import_paths import resolve_imports
from shared.domain.code.javascript import parse_javascript
from shared.domain.code.parsed import ParsedCode
from shared.domain.code.python import parse_python
from shared.domain.linear_regex import compile_linear

__all__ = [
    "PARSED_LANGUAGES",
    "CodeSignals",
    "ParsedCode",
    "embedding_text",
    "measure_code_signals",
    "parse_code",
    "resolve_imports",
]

PARSED_LANGUAGES: Final = frozenset({"python", "javascript", "typescript", "go"})
_EMBEDDED_CHARACTERS: Final = 500
# tree-sitter's parsers are recursive in C: 100,000 open brackets overflow the stack and end the
# process, which no exception handler sees. No source that a person wrote nests as deep as this.
_MAX_NESTING: Final = 1_000
_BRACKETS = re.compile(r"[(\[{]+|[)\]}]+")
_API_CALL = compile_linear(
    r"\bfetch\(|\baxios\b *[.(]|\bXMLHttpRequest\b|\$\.(ajax|get|post)\(|\b(got|ky)(\.\w+)?\("
    r"|\b(requests|httpx|httpx2)\.(get|post|put|patch|delete|head|request|stream|Client|AsyncClient)\("
    r"|\burllib\.request\b|\burlopen\(|\baiohttp\.|\bsupabase\.(from|rpc|functions)\b"
    r"|\bhttp\.(Get|Post|PostForm|Head|NewRequest|NewRequestWithContext|Client)\b"
)
_TEST_FILE = re.compile(
    r"(^|/)(tests?|__tests__|spec|e2e)/|(^|/)test_[^/]*$|_test\.\w+$|\.(test|spec)\.\w+$"
    r"|(^|/)conftest\.py$"
)
_CONFIG_FILE = re.compile(
    r"\.(json|ya?ml|toml|ini|cfg|conf|env)$|(^|/)\.[^/]*rc(\.\w+)?$|\.config\.\w+$"
    r"|(^|/)(settings|config|conf|setup|dockerfile|makefile)(\.\w+)?$"
)


@dataclass(frozen=True, slots=True)
class CodeSignals:
    """What detectors read of a source file."""

    language: str | None
    has_imports: bool
    has_exports: bool
    has_functions: bool
    has_classes: bool
    has_components: bool
    has_types: bool
    has_api_calls: bool
    is_test_file: bool
    is_config_file: bool
    function_count: int
    class_count: int
    import_count: int


def parse_code(content: str, language: str | None, path: str) -> ParsedCode:
    """Return the structure of one file; `path` tells TSX from TypeScript."""
    parsed = ParsedCode(language)
    if language in PARSED_LANGUAGES and _nesting(content) > _MAX_NESTING:
        return replace(parsed, has_syntax_errors=True)
    if language == "python":
        parsed = parse_python(content)
    elif language in ("javascript", "typescript"):
        parsed = parse_javascript(content, language, path)
    elif language == "go":
        parsed = parse_go(content)
    else:
        return parsed
    return replace(parsed, has_api_calls=_API_CALL.search(clean_text(content)) is not None)


def measure_code_signals(path: str, parsed: ParsedCode) -> CodeSignals:
    """Return the signals of one parsed file."""
    lowered = path.lower()
    return CodeSignals(
        language=parsed.language,
        has_imports=bool(parsed.imports),
        has_exports=bool(parsed.exports),
        has_functions=bool(parsed.functions),
        has_classes=bool(parsed.classes),
        has_components=bool(parsed.components),
        has_types=bool(parsed.types),
        has_api_calls=parsed.has_api_calls,
        is_test_file=_TEST_FILE.search(lowered) is not None,
        is_config_file=_CONFIG_FILE.search(lowered) is not None,
        function_count=len(parsed.functions),
        class_count=len(parsed.classes),
        import_count=len(parsed.imports),
    )


def embedding_text(path: str, parsed: ParsedCode, content: str) -> str:
    """Return what is embedded of a file: name, path, names defined, first 500 characters."""
    name = path.rpartition("/")[2]
    lines = (name, path, " ".join(parsed.names), content[:_EMBEDDED_CHARACTERS])
    return "\n".join(line for line in lines if line)


def _nesting(content: str) -> int:
    """Return how many brackets are open at once, also in strings; 0 where they are few."""
    if sum(content.count(bracket) for bracket in "([{") <= _MAX_NESTING:
        return 0  # most files: too few to be deep
    depth = deepest = 0
    for run in _BRACKETS.finditer(content):
        length = run.end() - run.start()
        depth = depth + length if run[0][0] in "([{" else max(depth - length, 0)
        deepest = max(deepest, depth)
    return deepest
