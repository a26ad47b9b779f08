"""What a file keeps of its imports until the files that they mean arrive. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from shared.domain.code.parsed import Import
from shared.domain.entities import CodeEntity
from shared.domain.import_words import words_of_imports
from shared.graph.statements import Row
from shared.graph.terms import term


def import_properties(entity: CodeEntity, imports: Sequence[Import]) -> Row:
    """Return what a file keeps of its imports, as written and as terms to find it by."""
    words = words_of_imports(entity.path, imports)
    return {
        "imports": json.dumps([[item.module, list(item.specifiers)] for item in imports]),
        "import_terms": import_terms(entity, words),
    }


def import_terms(entity: CodeEntity, words: Iterable[str]) -> list[str]:
    """Return the terms of words that name files."""
    return [
        term(entity.workspace_id, entity.project_name, "import", word) for word in sorted(words)
    ]
