"""The way of a message, as a picture for the start of the demo. Pure."""

from __future__ import annotations

from typing import Final

PICTURE: Final = """
 git history ─┐                      ┌─ memory_ingestion ──▶ ingest ───▶ Neo4j
 source files ┼─▶ API ─▶ Postgres ───┼─ pattern_detection ─▶ patterns ─▶ Neo4j
 Claude Code ─┘          with pgmq   └─ summary_generation ▶ summaries

 A request stores its rows and its messages in one transaction. Each service
 sleeps until its queue rings. One trace follows a message all the way.
"""
