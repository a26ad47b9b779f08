"""Measures how good and how fast search is."""
