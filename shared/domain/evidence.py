"""Makes a finding of a group, and says in words and numbers why it is one. Pure."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import Final

from shared.domain.findings import MAX_EVIDENCE, Fact, Finding, Group

_NOTED: Final = {
    "failing_outputs": "failing output",
    "tool_errors": "tool error",
    "edits": "edit",
}
_TIME: Final = "%Y-%m-%d %H:%M"


def describe_group(group: Group, pattern_type: str, name: str, confidence: float) -> Finding:
    """Return the finding that a group is."""
    return Finding(
        type=pattern_type,
        name=name,
        user_id=group.user_id,
        project_name=group.project_name,
        period=group.period,
        period_type=group.period_type,
        frequency=len(group.members),
        confidence=round(confidence, 4),
        evidence=tuple(member.id for member in group.members[-MAX_EVIDENCE:]),
        first_at=group.members[0].occurred_at,
        last_at=group.members[-1].occurred_at,
        metadata=_facts(group, pattern_type),
    )


def supersede(keyword: list[Finding], semantic: list[Finding]) -> list[Finding]:
    """Return the semantic findings, and the keyword findings of places that they do not cover.

    A week covers its days: a keyword finding of a day inside it says the same with less.
    """
    covered = {
        (finding.user_id, finding.project_name, day)
        for finding in semantic
        for day in finding.days()
    }
    left = [
        finding
        for finding in keyword
        if (finding.user_id, finding.project_name, finding.period) not in covered
    ]
    return [*semantic, *left]


def merge_users(findings: list[Finding]) -> list[Finding]:
    """Return one finding for each key: what several users did in one project is one pattern."""
    ordered = sorted(findings, key=lambda finding: finding.key)
    return [_merge(list(same)) for _, same in groupby(ordered, key=lambda finding: finding.key)]


def _merge(same: list[Finding]) -> Finding:
    if len(same) == 1:
        return same[0]
    surest = max(same, key=lambda finding: finding.confidence)
    reasons = " ".join(str(finding.metadata["reason"]) for finding in same)
    users = sorted(finding.user_id for finding in same if finding.user_id)
    return replace(
        surest,
        user_id=None,
        frequency=sum(finding.frequency for finding in same),
        evidence=tuple(summary_id for finding in same for summary_id in finding.evidence),
        first_at=min(finding.first_at for finding in same),
        last_at=max(finding.last_at for finding in same),
        metadata={**surest.metadata, "users": users, "reason": reasons},
    )


def _facts(group: Group, signal: str) -> dict[str, Fact]:
    counts = {name: sum(member.count(name) for member in group.members) for name in _NOTED}
    facts: dict[str, Fact] = {"memories": len(group.members), **counts}
    if group.mean_similarity is not None:
        facts["seeds"] = group.seeds
        facts["mean_similarity"] = round(group.mean_similarity, 4)
    facts["reason"] = _reason(group, signal, counts)
    return facts


def _reason(group: Group, signal: str, counts: dict[str, int]) -> str:
    first, last = group.members[0].occurred_at, group.members[-1].occurred_at
    memories = _plural(len(group.members), "memory", "memories")
    verb = "carries" if len(group.members) == 1 else "carry"
    where, told = group.project_name or "no project", signal.replace("_", " ")
    said = f"{memories} of {where} {verb} the {told} signal between "
    said += f"{first:{_TIME}} and {last:{_TIME}} UTC"
    if group.mean_similarity is not None:
        seeds = _plural(group.seeds, "seed", "seeds")
        said += f", alike by a mean cosine of {group.mean_similarity:.2f} around {seeds}"
    noted = [_plural(counts[name], one, f"{one}s") for name, one in _NOTED.items() if counts[name]]
    return f"{said}; {', '.join(noted)}." if noted else f"{said}."


def _plural(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
