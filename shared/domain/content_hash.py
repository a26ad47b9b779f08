"""Recognises what has not changed, so that nothing is done twice. Pure."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Final

from pydantic import JsonValue

_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
"""Made once: `json.dumps` would make one for each text."""


def content_hash(*parts: JsonValue) -> bytes:
    """Return a SHA-256 over the parts; the order of keys inside an object does not matter."""
    return sha256(_ENCODER.encode(parts).encode()).digest()
