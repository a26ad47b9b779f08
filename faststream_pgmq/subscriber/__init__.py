"""Subscribers: read, process, settle, sleep."""
