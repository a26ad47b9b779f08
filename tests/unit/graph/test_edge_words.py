"""Every edge has words, and no words are left of one that is gone."""

from typing import get_args

from shared.domain.edge_words import EDGE_WORDS, WORDS_FOR_MANY
from shared.graph.ties import EDGES, Edge


def test_every_edge_has_words() -> None:
    named = {edge for edges in EDGES.values() for edge in edges}
    assert named == set(get_args(Edge)) == EDGE_WORDS.keys() == WORDS_FOR_MANY.keys()
