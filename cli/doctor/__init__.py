"""`supastate doctor`: what works, what does not, and how to mend it."""

from __future__ import annotations

from cli.doctor.findings import Finding
from cli.doctor.run import examine

__all__ = ["Finding", "examine"]
