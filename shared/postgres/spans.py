"""The span store: a bounded table of finished spans, so that traces are readable without Jaeger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, LiteralString

import psycopg
from opentelemetry.context import (
    _SUPPRESS_INSTRUMENTATION_KEY,  # pyright: ignore[reportPrivateUsage]  # no public name exists
    attach,
    detach,
    set_value,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import format_span_id, format_trace_id
from psycopg import AsyncConnection, Connection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb
from pydantic import JsonValue
from pydantic_core import to_json

from shared.domain.clean_text import clean_text
from shared.domain.redaction import redact
from shared.telemetry import find_workspace

RETENTION: Final = timedelta(days=3)
MOST_SPANS: Final = 500_000
"""Some 400 MB; the oldest go first."""
EXPORTS_BETWEEN_PURGES: Final = 1000
RANDOM_BITS: Final = (1 << 56) - 1
"""Of a trace's id the last seven bytes are random, whoever began it (W3C Trace Context)."""
NANOSECONDS_PER_MILLISECOND: Final = 1e6
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_REMEMBERED: Final = 200

SAVE_SPANS: Final[LiteralString] = "SELECT save_spans(%s)"
PURGE_SPANS: Final[LiteralString] = "SELECT purge_spans(%s, %s)"
FIND_NEWEST_TRACE: Final[LiteralString] = """
SELECT trace_id
FROM spans
GROUP BY trace_id
HAVING bool_or(attributes->>'db.system.name' = 'neo4j')
   -- A batch has a trace of its own, linked to those of its messages.
   AND NOT bool_or(parent_span_id IS NULL AND attributes ? 'messaging.batch.message_count')
   AND array_agg(DISTINCT service) @> %(services)s::text[]
   AND (%(message_id)s::text IS NULL
        OR bool_or(attributes->>'messaging.message.id' = %(message_id)s
                   AND attributes->>'messaging.destination.name' LIKE %(queue)s))
ORDER BY max(started_at) DESC, trace_id
LIMIT 1
"""


async def find_newest_trace(
    conn: AsyncConnection[TupleRow],
    services: Sequence[str] = (),
    *,
    message_id: str | None = None,
    queue: str | None = None,
) -> str | None:
    """Return the newest trace that reached Neo4j through these services, with this message.

    Message ids are unique in one queue only; None as queue stands for any.
    """
    wanted = {"services": list(services), "message_id": message_id, "queue": queue or "%"}
    row = await (await conn.execute(FIND_NEWEST_TRACE, wanted)).fetchone()
    return None if row is None else str(row[0])


class PostgresSpanExporter(SpanExporter):
    """Writes finished spans to the table `spans`; runs on the exporter thread of the SDK.

    A failed write loses that batch of spans and is tried anew with the next: telemetry never
    stops the work it describes.

    Args:
        share: of all traces, 0.0 to 1.0; the same ones in every process, since their ids decide.
    """

    def __init__(self, dsn: str, *, share: float = 1.0) -> None:
        self._dsn = dsn
        self._share = share
        self._conn: Connection[TupleRow] | None = None
        self._exports = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        try:
            self._write(spans)
        except psycopg.Error:
            self._close()
            return SpanExportResult.FAILURE
        finally:
            detach(token)
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self._close()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True

    def is_kept(self, trace_id: int) -> bool:
        """Return whether the spans of this trace are written."""
        return (trace_id & RANDOM_BITS) < self._share * (RANDOM_BITS + 1)

    def _write(self, spans: Sequence[ReadableSpan]) -> None:
        conn = self._connection()
        rows = [as_row(span) for span in spans if self.is_kept(_trace_of(span))]
        if rows:
            conn.execute(SAVE_SPANS, (Jsonb(rows, to_json),))
        if self._exports % EXPORTS_BETWEEN_PURGES == 0:
            conn.execute(PURGE_SPANS, (RETENTION, MOST_SPANS))
        self._exports += 1

    def _connection(self) -> Connection[TupleRow]:
        if self._conn is None or self._conn.closed:
            self._conn = psycopg.connect(self._dsn, autocommit=True, connect_timeout=5)
        return self._conn

    def _close(self) -> None:
        if self._conn is not None:
            self._conn.close()
        self._conn = None


def _trace_of(span: ReadableSpan) -> int:
    context = span.get_span_context()
    return context.trace_id if context else 0


def as_row(span: ReadableSpan) -> dict[str, JsonValue]:
    """Return what is stored of a span; its texts without secrets."""
    context = span.get_span_context()
    started, ended = span.start_time or 0, span.end_time or 0
    return {
        "trace_id": format_trace_id(context.trace_id) if context else "",
        "span_id": format_span_id(context.span_id) if context else "",
        "parent_span_id": format_span_id(span.parent.span_id) if span.parent else None,
        "service": str(span.resource.attributes.get("service.name", "")),
        "name": clean_text(span.name),
        "kind": span.kind.name.lower(),
        "status": span.status.status_code.name.lower(),
        "started_at": (EPOCH + timedelta(microseconds=started // 1000)).isoformat(),
        "duration_ms": max(0.0, (ended - started) / NANOSECONDS_PER_MILLISECOND),
        "attributes": _attributes(span.attributes or {}),
        "workspace_id": find_workspace(span),
        "links": [
            {
                "trace_id": format_trace_id(link.context.trace_id),
                "span_id": format_span_id(link.context.span_id),
            }
            for link in span.links
        ],
    }


def _attributes(attributes: Mapping[str, object]) -> dict[str, JsonValue]:
    return {
        name: value if isinstance(value, bool | int | float) else _told(name, str(value))
        for name, value in attributes.items()
    }


def _told(name: str, text: str) -> str:
    # Most are of this kind, a dozen for each message: names of queues, ids of what is on them.
    if name.startswith("messaging."):
        return clean_text(text)
    return _redacted_before(text) if len(text) <= LONGEST_REMEMBERED else redact(text)[0]


@lru_cache(maxsize=10_000)
def _redacted_before(text: str) -> str:
    return redact(text)[0]
