"""Notes what somebody says of a pattern; the API and the pages do it here."""

from __future__ import annotations

from uuid import UUID

from services.api.finding_patterns import read_pattern
from services.api.parts import ApiParts
from shared.domain.accepting import accept_words
from shared.postgres.api_keys import ApiKey
from shared.postgres.audit import Action, record_action
from shared.postgres.live import tell
from shared.postgres.reviews import Verdict, save_review


async def review_pattern(
    parts: ApiParts, caller: ApiKey, pattern_id: UUID, verdict: Verdict | None, note: str | None
) -> None:
    """Note the verdict and who gave it. Safe to repeat.

    Raises:
        NotFoundError: the caller's workspace has no such pattern.
    """
    found = await read_pattern(parts, caller, pattern_id)
    kept = accept_words(note, "note") if note else None
    async with parts.transaction(caller) as conn:
        await save_review(
            conn,
            caller,
            pattern_id,
            project_name=found.pattern.project_name,
            verdict=verdict,
            note=kept,
        )
        # With the project: whoever deletes its data deletes what was said of it here, too.
        said = Action(
            action=f"pattern.{verdict or 'reopen'}",
            target=str(pattern_id),
            filter={"project": found.pattern.project_name},
            count=1,
            reason=kept or "",
        )
        await record_action(conn, caller, said)
        await tell(conn, "patterns")
