"""`python -m faststream_pgmq.cli`."""

from faststream_pgmq.cli import main

main()
