"""Measures which memories are tied to which files, on sessions whose commits are known."""
