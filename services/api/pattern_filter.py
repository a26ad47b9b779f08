"""Which patterns a request asks for, as its query string says it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from services.api.examples import PATTERN_ID, PROJECT
from services.api.finding_patterns import Order, ReviewFilter
from services.api.value_cursors import not_a_place, read_values, write_values
from shared.domain.accepting import check_text
from shared.domain.findings import MAX_EVIDENCE
from shared.graph.patterns import After, Pattern, Wanted
from shared.messages import Moment, PatternType


class PatternFilter(BaseModel):
    """Query parameters of a list of patterns."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)

    type: list[PatternType] = Field(default_factory=list, max_length=32, description="any of these")
    project: Annotated[str, Field(min_length=1, max_length=255)] | None = Field(
        default=None, description="only this project", examples=[PROJECT]
    )
    min_confidence: Annotated[float, Field(ge=0, le=1)] = 0.0
    since: Moment | None = Field(
        default=None, description="what went on then or later; with its offset"
    )
    until: Moment | None = Field(default=None, description="what began before")
    text: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None,
        description="in the name, the project or the reason, in any case",
        examples=["parser"],
    )
    review: ReviewFilter | None = Field(
        default=None, description="`open` means nobody said anything; else not what was dismissed"
    )
    order: Order = "confidence"
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    evidence: Annotated[int, Field(ge=0, le=MAX_EVIDENCE)] = Field(
        default=MAX_EVIDENCE, description="of each pattern at most so much, the oldest"
    )
    after: Annotated[str, Field(max_length=300)] | None = Field(
        default=None,
        description="`next` of the page before this one",
        examples=[write_values(0.82, 7, PROJECT, PATTERN_ID)],
    )

    def wanted(self) -> Wanted:
        """Return what to look for.

        Raises:
            InvalidInputError: names a text that no pattern can hold.
        """
        return Wanted(
            self.type,
            self.project and check_text(self.project, "project"),
            self.min_confidence,
            self.since,
            self.until,
            self.text and check_text(self.text, "text"),
        )

    def place(self) -> After | None:
        """Return where the page starts.

        Raises:
            InvalidInputError: it is not the `next` of a page.
        """
        return None if self.after is None else read_place(self.after)


def write_place(pattern: Pattern) -> str:
    """Return where the page after this pattern starts, in either order."""
    return write_values(pattern.confidence, pattern.frequency, pattern.place, pattern.id)


def read_place(cursor: str) -> After:
    """Return what `write_place` wrote.

    Raises:
        InvalidInputError: it did not write this.
    """
    match read_values(cursor, "after"):
        case [float() | int() as confidence, int(frequency), int(place), str(key)] if (
            0 <= frequency < 2**63 and 0 <= place < 2**63
        ):
            return After(key, float(confidence), frequency, place)
        case _:
            raise not_a_place("after")
