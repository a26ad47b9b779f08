"""Measures what one detection run costs in a small and in a huge graph: `make bench-detection`."""
