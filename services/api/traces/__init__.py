"""Traces as people read them: over HTTP, and drawn by the dashboard."""
