"""Search: over memories and code by meaning, words and the graph; for old clients by meaning."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Final, TypeAlias

from fastapi import APIRouter, Query

from services.api.answers import MemoriesFound, MemoryFound
from services.api.auth import WITH_KEY, KeyedRoute, Reader
from services.api.bodies import ProjectFilter
from services.api.describing_problems import problems
from services.api.examples import MEMORY_ID, SESSION
from services.api.examples.found import ASKED
from services.api.paging import Limit
from services.api.parameters import OfUser
from services.api.parts import WithParts
from services.api.search_answers import Kind, SearchPage
from services.api.searching import Wanted, run_search
from shared.domain.accepting import check_text
from shared.domain.search_query import MOST_CHARACTERS
from shared.graph.entity_words import Filters
from shared.graph.search import search_memories
from shared.messages import Moment

router = APIRouter(route_class=KeyedRoute, dependencies=WITH_KEY, tags=["search"])
Session: TypeAlias = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=512,
        description="only memories of this session",
        examples=[SESSION],
    ),
]
Language: TypeAlias = Annotated[
    str | None,
    Query(
        min_length=1, max_length=64, description="only code in this language", examples=["python"]
    ),
]
QUERY: Final = "your own words; “quoted phrases” must occur as they are"


@router.get("/api/search", responses=problems())
async def get_results(  # one parameter a filter
    caller: Reader,
    parts: WithParts,
    q: Annotated[
        str,
        Query(
            min_length=1,
            max_length=MOST_CHARACTERS,
            description=QUERY,
            examples=[ASKED],
        ),
    ],
    kind: Annotated[Kind | None, Query(alias="type")] = None,
    project: ProjectFilter = None,
    session: Session = None,
    language: Language = None,
    user: OfUser = None,
    since: Annotated[Moment | None, Query(description="with its offset")] = None,
    until: Annotated[Moment | None, Query(description="before this moment")] = None,
    limit: Limit = 20,
    after: Annotated[
        str | None,
        Query(
            max_length=200,
            description="`next` of the page before this one",
            examples=[f"0x1.4f5c28f5c28f6p+0_memory_{MEMORY_ID}"],
        ),
    ] = None,
) -> SearchPage:
    """Return memories and code that fit `q`, best first, each with why it does.

    Three searches are fused by reciprocal rank (k = 60): meaning (vectors, ranked by the exact
    cosine), words (full text), and the graph (neighbours of the best results).
    """
    filters = Filters(kind, project, session, language, str(user) if user else None, since, until)
    wanted = Wanted(q, filters, limit, after)
    return await run_search(parts, caller, wanted)


@router.get("/api/search/memories", responses=problems())
async def get_memories(
    caller: Reader,
    parts: WithParts,
    q: Annotated[
        str, Query(min_length=1, max_length=1000, description="what to look for", examples=[ASKED])
    ],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    project: ProjectFilter = None,
) -> MemoriesFound:
    """Return the memories nearest to `q` in meaning, nearest first."""
    project_name = project and check_text(project, "project")
    text = check_text(q, "q")
    parts.searches.note(caller)
    (vector,) = await parts.shared.embedder.embed([text])
    found = await search_memories(
        parts.shared.driver, caller.workspace_id, vector, limit=limit, project_name=project_name
    )
    results = [MemoryFound.model_validate(asdict(memory)) for memory in found]
    return MemoriesFound(results=results, count=len(results), query=q)
