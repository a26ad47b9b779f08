"""What the sessions are signed with."""

from __future__ import annotations

import secrets
from ipaddress import ip_address

from shared.errors import SettingsError
from shared.settings import Settings


def choose_secret(settings: Settings) -> str:
    """Return the setting, or on loopback one that lasts as long as the process.

    Raises:
        SettingsError: others can reach this address, and there is no secret.
    """
    if settings.session_secret is not None:
        return settings.session_secret.get_secret_value()
    if is_loopback(settings.http_host):
        return secrets.token_urlsafe(32)
    raise SettingsError(
        f"SUPASTATE_SESSION_SECRET: needed, since SUPASTATE_HTTP_HOST={settings.http_host} can be "
        "reached from elsewhere; `openssl rand -hex 32` makes a good one. Or listen on 127.0.0.1."
    )


def is_loopback(host: str) -> bool:
    """Return whether only this machine can connect to the address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
