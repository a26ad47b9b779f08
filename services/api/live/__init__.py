"""Live updates: one connection that listens, one hub a process, any number of streams."""
