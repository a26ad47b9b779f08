"""How true the patterns of activity are: `make bench-patterns`."""
