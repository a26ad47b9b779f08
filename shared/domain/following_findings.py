"""Makes a finding of pairs, and says which they are in words and numbers. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from statistics import fmean
from typing import Final

from shared.domain.calibration import Calibration
from shared.domain.confidence import confidence
from shared.domain.findings import MAX_EVIDENCE, Fact, Finding, Look
from shared.domain.following import Candidate, FollowingRule, Pairs
from shared.domain.grouping import oldest_first
from shared.domain.periods import period_of
from shared.domain.places import Place

MOST_NAMED: Final = 50
"""The most pairs that a pattern spells out, the newest; its numbers count all."""


def find_following(
    rule: FollowingRule,
    places: Sequence[Place],
    candidates: Iterable[Candidate],
    calibration: Calibration,
) -> Look:
    """Return the patterns of the places: one for each project and period that has pairs."""
    found = [_describe(rule, pairs) for pairs in rule.pair(candidates, calibration)]
    return Look(found, rule.checked(places))


def _describe(rule: FollowingRule, pairs: Pairs) -> Finding:
    members = oldest_first({one for pair in pairs for one in (pair.origin, pair.later)})
    similarity = min(max(fmean(pair.similarity for pair in pairs), 0.0), 1.0)
    sureness = confidence(
        size=len(pairs), mean_similarity=similarity, full_at=rule.full_at, cap=rule.cap
    )
    origin, users = pairs[0].origin, sorted({pair.origin.user_id for pair in pairs})
    return Finding(
        type=rule.type,
        name=rule.name,
        user_id=users[0] if len(users) == 1 else None,
        project_name=origin.project_name,
        period=period_of(origin.occurred_at, rule.period_type),
        period_type=rule.period_type,
        frequency=len(members),
        confidence=round(sureness, 4),
        evidence=tuple(member.id for member in members[-MAX_EVIDENCE:]),
        first_at=members[0].occurred_at,
        last_at=members[-1].occurred_at,
        metadata={**_facts(rule, pairs, similarity), "users": users},
    )


def _facts(rule: FollowingRule, pairs: Pairs, similarity: float) -> Mapping[str, Fact]:
    gaps = [pair.gap for pair in pairs]
    counts = Counter(rule.speed_of(gap) for gap in gaps)
    return {
        **{speed.name: counts[speed.name] for speed in rule.speeds},
        "pairs": [_name(rule, pair) for pair in pairs[-MOST_NAMED:]],
        "pair_count": len(pairs),
        "mean_similarity": round(similarity, 4),
        "shortest_minutes": _minutes(min(gaps)),
        "longest_minutes": _minutes(max(gaps)),
        "reason": _reason(rule, pairs, counts, similarity),
    }


def _name(rule: FollowingRule, pair: Candidate) -> str:
    where = "same session" if pair.same_session else "another session"
    return (
        f"{pair.origin.id} -> {pair.later.id}: {_minutes(pair.gap)} min, "
        f"{rule.speed_of(pair.gap)}, cosine {pair.similarity:.2f}, "
        f"shared files {pair.shared_files}, {where}"
    )


def _reason(rule: FollowingRule, pairs: Pairs, counts: Counter[str], similarity: float) -> str:
    size = len(pairs)
    sessions = sum(pair.same_session for pair in pairs)
    files = sum(pair.shared_files > 0 for pair in pairs)
    told = ((counts[speed.name], speed.name.replace("_", " ")) for speed in rule.speeds)
    speeds = ", ".join(f"{count} {name}" for count, name in told if count)
    return (
        f"{size} {rule.one if size == 1 else rule.many} of "
        f"{pairs[0].origin.project_name or 'no project'} {'was' if size == 1 else 'were'} "
        f"{rule.done} after {_span(pairs)} minutes ({speeds}), {sessions} of {size} in the same "
        f"session, {files} of {size} with a file in common, by a mean cosine of {similarity:.2f}."
    )


def _span(pairs: Pairs) -> str:
    minutes = [_minutes(pair.gap) for pair in pairs]
    first, last = min(minutes), max(minutes)
    return str(first) if first == last else f"{first} to {last}"


def _minutes(gap: timedelta) -> int:
    return round(gap.total_seconds() / 60)
