"""Who is logged in: a signed cookie that names a key, which is looked up at each request."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from hashlib import sha256
from hmac import compare_digest
from typing import Final, cast
from uuid import UUID

from fastapi import Request, Response
from itsdangerous import BadSignature, Signer, URLSafeSerializer

from services.api.parts import find_parts
from shared.postgres.api_keys import ApiKey

COOKIE: Final = "supastate_session"
LONGEST_SECONDS: Final = 12 * 3600
IDLE_SECONDS: Final = 2 * 3600
SEEN_EVERY_SECONDS: Final = 60
"""The cookie is not written anew more often."""
SAFE_METHODS: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Session:
    """What the cookie says; it holds no key."""

    key_id: UUID
    workspace_id: str
    issued_at: int
    seen_at: int

    @classmethod
    def start(cls, key: ApiKey) -> Session:
        """Return a new session of this key."""
        now = int(time.time())
        return cls(key.id, key.workspace_id, now, now)

    @property
    def is_over(self) -> bool:
        now = time.time()
        return now - self.issued_at > LONGEST_SECONDS or now - self.seen_at > IDLE_SECONDS


@dataclass(frozen=True, slots=True)
class Sessions:
    """Writes and reads the cookies of one secret."""

    secret: str

    def write(self, session: Session) -> str:
        """Return the cookie's value."""
        fields = [str(session.key_id), session.workspace_id, session.issued_at, session.seen_at]
        return self._serializer.dumps(fields)

    def read(self, cookie: str) -> Session | None:
        """Return what `write` wrote, unless it is over or somebody changed it."""
        try:
            key_id, workspace_id, issued_at, seen_at = cast(
                tuple[str, str, int, int], tuple(self._serializer.loads(cookie))
            )
            session = Session(UUID(key_id), workspace_id, int(issued_at), int(seen_at))
        except (BadSignature, ValueError, TypeError):
            return None
        return None if session.is_over else session

    def form_token(self, session: Session) -> str:
        """Return what a form of this session must send along."""
        text = f"{session.key_id}:{session.issued_at}"
        signer = Signer(self.secret, salt="supastate.form", digest_method=sha256)
        return signer.get_signature(text).decode()

    def is_form_token(self, session: Session, given: str) -> bool:
        """Return whether `form_token` made it."""
        return compare_digest(self.form_token(session).encode(), given.encode("utf-8", "replace"))

    @property
    def _serializer(self) -> URLSafeSerializer:
        return URLSafeSerializer(
            self.secret, salt="supastate.session", signer_kwargs={"digest_method": sha256}
        )


def find_sessions(request: Request) -> Sessions:
    """Return what `install_dashboard` left."""
    return cast(Sessions, request.app.state.sessions)


def find_session(request: Request) -> Session | None:
    """Return the session that the request's cookie names, its key not yet looked up."""
    cookie = request.cookies.get(COOKIE)
    return find_sessions(request).read(cookie) if cookie else None


async def find_session_caller(request: Request) -> ApiKey | None:
    """Return the key of the request's session while it is valid, for requests that only read.

    The API takes it in place of a Bearer key: an `EventSource` can send no header.
    """
    from_elsewhere = request.headers.get("sec-fetch-site") not in (None, "same-origin", "none")
    if request.method not in SAFE_METHODS or from_elsewhere:
        return None
    session = find_session(request)
    return session and await find_key_of(request, session)


async def find_key_of(request: Request, session: Session) -> ApiKey | None:
    """Return the session's key; None some seconds after it was revoked, and for ever."""
    return await find_parts(request).keys.find_by_id(session.workspace_id, session.key_id)


def set_cookie(request: Request, response: Response, session: Session) -> None:
    """Let the browser keep the session; scripts cannot read it."""
    response.set_cookie(
        COOKIE,
        find_sessions(request).write(session),
        max_age=LONGEST_SECONDS,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",  # strict would show the login to whoever follows a link from a chat
    )


def keep_alive(request: Request, response: Response, session: Session) -> None:
    """Put off the idle end; what a page fetches by itself does not count."""
    is_person = "hx-request" not in request.headers or request.method not in SAFE_METHODS
    now = int(time.time())
    if is_person and now - session.seen_at >= SEEN_EVERY_SECONDS:
        set_cookie(request, response, replace(session, seen_at=now))
