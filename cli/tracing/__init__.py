"""Draws the spans of one trace as a tree."""
