"""What is vendored is what was published, and pages stay light."""

from __future__ import annotations

import gzip
import json
from hashlib import sha256
from pathlib import Path

import pytest

from services.api.dashboard.files import STATIC

FOLDERS = [STATIC / "vendor", Path(__file__).parents[2] / "browser" / "vendor"]
MOST_KILOBYTES = 50


@pytest.mark.parametrize("folder", FOLDERS, ids=["served", "for tests"])
def test_every_vendored_file_has_its_hash_and_licence(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    files = {file.name for file in folder.iterdir() if file.suffix in (".js", ".css")}

    assert files == set(manifest)
    for name, entry in manifest.items():
        assert sha256((folder / name).read_bytes()).hexdigest() == entry["sha256"], name
        assert (folder / entry["licence_file"]).stat().st_size > 0


def test_scripts_without_the_graph_stay_under_fifty_kilobytes() -> None:
    scripts = [*STATIC.glob("*.js"), *(STATIC / "vendor").glob("*.js")]
    weights = {
        script.name: len(gzip.compress(script.read_bytes(), 9))
        for script in scripts
        if not script.name.startswith(("cytoscape", "graph"))
    }

    assert sum(weights.values()) <= MOST_KILOBYTES * 1000, weights


def test_no_page_loads_anything_from_elsewhere() -> None:
    sources = [*STATIC.glob("*.*"), *(STATIC.parent / "templates").rglob("*.html")]

    for source in sources:
        text = source.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "//cdn" not in text, source
        assert 'src="http' not in text, source
        assert "url(http" not in text, source
