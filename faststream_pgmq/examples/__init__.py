"""Small programs: `faststream run faststream_pgmq.examples.outbox:app`, with $DATABASE_URL set.

Each makes its queues, sends something, and ends by itself.
"""
