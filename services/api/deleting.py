"""Deletes all data of a workspace, a project or a user, everywhere; for keys with `admin`."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from services.api.answers import Answer
from services.api.auth import WITH_KEY, Admin, KeyedRoute
from services.api.bodies import Body, ProjectName
from services.api.describing_problems import problems
from services.api.examples import sending as sending_examples
from services.api.examples import shown
from services.api.idempotency import KeyedRequest, Once, run_once
from services.api.parameters import DeletionId
from services.api.parts import ApiParts, WithParts
from shared.domain.accepting import check_text
from shared.errors import InvalidInputError, NotFoundError
from shared.messages import PATTERN_DETECTION, DeleteData
from shared.postgres.api_keys import ApiKey
from shared.postgres.audit import Action, record_action
from shared.postgres.deletions import Deletion, Target, create_deletion, find_deletion

router = APIRouter(route_class=KeyedRoute, dependencies=WITH_KEY, tags=["data"])
MISSING: Final = problems(HTTPStatus.NOT_FOUND)


class DeleteRequest(Body):
    """Whose data is deleted: exactly one of project, user and workspace."""

    model_config = shown(sending_examples.DELETE)

    project: ProjectName | None = None
    user_id: UUID | None = None
    workspace: bool = False
    confirm: Annotated[str, StringConstraints(max_length=300)] = Field(
        description="once more: the project's name, the user's id or the workspace's id",
        examples=["engine"],
    )


class DeletionState(Answer):
    """How far a deletion is; it is done when nothing is left anywhere."""

    model_config = shown(sending_examples.DELETION)

    id: UUID
    scope: Literal["workspace", "project", "user"]
    state: Literal["running", "done"]
    passes: int
    erased: dict[str, int] = Field(description="how many rows, messages, nodes and spans so far")
    requested_at: datetime
    finished_at: datetime | None


@router.delete("/api/data", status_code=HTTPStatus.ACCEPTED, responses=problems())
async def delete_data(
    body: DeleteRequest, caller: Admin, parts: WithParts, once: Once = None
) -> DeletionState:
    """Delete everything of a project, a user or the workspace, its copies and what was found in it.

    What is sent for it meanwhile is refused with 409. Keys stay: revoke those that are not wanted.
    """
    target, name = read_target(body, caller)
    if body.confirm != name:
        raise InvalidInputError("confirm", f"does not match; type {name!r} to delete all of it")
    return await start_deletion(parts, caller, target, once)


@router.get("/api/data/deletions/{deletion_id}", responses=MISSING)
async def get_deletion(deletion_id: DeletionId, caller: Admin, parts: WithParts) -> DeletionState:
    """Return how far a deletion is."""
    async with parts.transaction(caller) as conn:
        deletion = await find_deletion(conn, deletion_id, caller.workspace_id)
    if deletion is None:
        raise NotFoundError("no such deletion in this workspace")
    return describe_deletion(deletion)


async def start_deletion(
    parts: ApiParts, caller: ApiKey, target: Target, once: KeyedRequest | None
) -> DeletionState:
    """Note a deletion, and queue it."""
    message = DeleteData(deletion_id=uuid4(), workspace_id=caller.workspace_id)

    async def queue() -> DeletionState:
        await create_deletion(conn, caller, message.deletion_id, target)
        action = Action("data.delete", str(message.deletion_id), {"scope": target.scope})
        await record_action(conn, caller, action)
        await parts.broker.publish(
            message, queue=PATTERN_DETECTION, group=caller.workspace_id, connection=conn
        )
        deletion = await find_deletion(conn, message.deletion_id, caller.workspace_id)
        assert deletion is not None  # noted in this transaction
        return describe_deletion(deletion)

    async with parts.transaction(caller) as conn:
        return await run_once(conn, caller, once, queue, DeletionState)


def read_target(body: DeleteRequest, caller: ApiKey) -> tuple[Target, str]:
    """Return what is to be deleted, and its name.

    Raises:
        InvalidInputError: it is not exactly one thing.
    """
    if sum((body.project is not None, body.user_id is not None, body.workspace)) != 1:
        raise InvalidInputError("body", "name exactly one of project, userId and workspace")
    if body.project is not None:
        name = check_text(body.project, "project")
        return Target("project", project=name), name
    if body.user_id is not None:
        return Target("user", person=body.user_id), str(body.user_id)
    return Target("workspace"), caller.workspace_id


def describe_deletion(deletion: Deletion) -> DeletionState:
    """Return a deletion as clients see it."""
    return DeletionState(
        id=deletion.id,
        scope=deletion.scope,
        state="done" if deletion.finished_at else "running",
        passes=deletion.passes,
        erased=deletion.erased,
        requested_at=deletion.requested_at,
        finished_at=deletion.finished_at,
    )
