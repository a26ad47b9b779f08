"""Compares `faststream_pgmq` with its peers and with what is possible: `make bench-queue`."""
