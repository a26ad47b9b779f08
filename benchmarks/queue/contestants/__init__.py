"""Everybody who drains a queue: the floor, this broker, and its peers."""
