"""What the documents point to is there: pages, pictures and files of the project."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_points_to_what_is_there(document: Path) -> None:
    targets = [link for link in LINK.findall(document.read_text()) if ":" not in link]
    assert [link for link in targets if not (document.parent / link).exists()] == []
