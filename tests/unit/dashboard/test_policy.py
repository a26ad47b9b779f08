"""The policy of the pages is the one that was decided, and no template needs a weaker one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from services.api.dashboard.protecting import HEADERS
from services.api.dashboard.rendering import TEMPLATES

ALL = sorted(TEMPLATES.rglob("*.html"))
COMMENTS = re.compile(r"\{#.*?#\}", re.DOTALL)
FILLED_IN = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
FORBIDDEN = {
    "an inline script": r"<script(?![^>]*\ssrc=)",
    "an inline style": r"<style|\sstyle\s*=",
    "an event attribute": r"""\son\w+\s*=""",
    "hx-on": r"hx-on",
    "an expression for htmx": r"""hx-vars|hx-\w+\s*=\s*["']\s*(js|javascript):""",
    "a filter of a trigger": r"""hx-trigger\s*=\s*(["'])(?:(?!\1).)*\w\[""",
    "an address that runs": r"""=\s*["']?javascript:""",
}
WEAK = {
    "an inline script": "<script>alert(1)</script>",
    "an inline style": '<b style="color: red">',
    "an event attribute": "<b onclick='x()'>",
    "hx-on": '<b hx-on:click="x()">',
    "an expression for htmx": "<b hx-vals='js:{x: 1}'>",
    "a filter of a trigger": '<b hx-trigger="click[x()]">',
    "an address that runs": '<a href="javascript:x()">',
}


def text_of(template: Path) -> str:
    """Return a template without what is not sent."""
    return COMMENTS.sub("", template.read_text())


def markup_of(template: Path) -> str:
    """Return what is markup whatever is filled in."""
    return FILLED_IN.sub("", text_of(template))


def named(pattern: str, read: Callable[[Path], str] = text_of) -> set[str]:
    """Return the templates in which this occurs."""
    return {one.relative_to(TEMPLATES).as_posix() for one in ALL if re.search(pattern, read(one))}


def test_the_policy_is_the_one_that_was_decided() -> None:
    assert HEADERS["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def test_htmx_runs_nothing_and_keeps_nothing() -> None:
    found = re.search("name=\"htmx-config\" content='([^']+)'", text_of(TEMPLATES / "base.html"))

    assert found is not None
    assert json.loads(found[1]) == {
        "allowEval": False,
        "allowScriptTags": False,
        "includeIndicatorStyles": False,
        "historyCacheSize": 0,
        "selfRequestsOnly": True,
    }


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_template_holds_what_the_policy_forbids(what: str) -> None:
    assert re.search(FORBIDDEN[what], WEAK[what])
    assert named(FORBIDDEN[what], markup_of) == set()


def test_the_graph_page_alone_loads_cytoscape_and_pages_with_charts_alone_uplot() -> None:
    assert named(r"vendor/cytoscape") == {"graph/node.html"}
    assert named(r"vendor/uplot") == {"ui.html"}  # two macros
    assert named(r"ui\.chart_scripts\(") == named(r"ui\.chart\(") != set()
