"""Recognises what has not changed, so that nothing is done twice. Pure."""

from __future__ import annotations

import json
from hashlib import sha256

from pydantic import JsonValue


def content_hash(*parts: JsonValue) -> bytes:
    """Return a SHA-256 over the parts; the order of keys inside an object does not matter."""
    return sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).digest()
