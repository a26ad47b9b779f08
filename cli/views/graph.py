"""A node of the graph and what it is tied to, as a tree."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel
from rich.console import RenderableType
from rich.text import Text
from rich.tree import Tree

from cli.api_client import ApiClient, Params
from cli.terminal import local_time, plain, shorten
from shared.domain.edge_words import WORDS_FOR_MANY

TITLE_CHARACTERS: Final = 100


class Answered(BaseModel):
    """JSON in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel)


class Node(Answered):
    """One node."""

    kind: str
    id: str
    title: str
    at: datetime | None


class Neighbour(Answered):
    """A node one step away."""

    edge: str
    node: Node
    methods: list[str]


class TieCount(Answered):
    """How many there are."""

    edge: str
    total: int
    more: int
    is_at_least: bool


class Answer(Answered):
    """A node and what is one step away."""

    centre: Node
    neighbours: list[Neighbour]
    counts: list[TieCount]


def find_neighbours(client: ApiClient, kind: str, node_id: str, params: Params) -> JsonValue:
    """Return the API's answer."""
    return client.get(f"/api/graph/{kind}/{quote(node_id, safe='')}", params)


def show_neighbours(answer: JsonValue) -> RenderableType:
    """Return a node with its neighbours below it, by kind of tie."""
    found = Answer.model_validate(answer)
    tree = Tree(_node(found.centre))
    for count in found.counts:
        own = [one for one in found.neighbours if one.edge == count.edge]
        if not count.total and not own:
            continue
        total = f"{count.total:,}{'+' * count.is_at_least}"
        branch = tree.add(plain(f"{WORDS_FOR_MANY.get(count.edge, count.edge)} ({total})", "dim"))
        for one in own:
            branch.add(_node(one.node) + plain("".join(f" · {m}" for m in one.methods), "dim"))
        if count.more:
            branch.add(plain(f"+{count.more:,}{'+' * count.is_at_least} more", "dim"))
    if not tree.children:
        tree.add(plain("nothing is tied to it", "dim"))
    return tree


def _node(node: Node) -> Text:
    when = f" · {local_time(node.at)}" if node.at else ""
    told = "" if node.id == node.title else f" · {node.id}"
    return Text.assemble(
        plain(f"{node.kind} ", "cyan"),
        plain(shorten(node.title, TITLE_CHARACTERS), "bold"),
        plain(f"{when}{told}", "dim"),
    )
