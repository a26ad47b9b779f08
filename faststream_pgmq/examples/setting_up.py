"""What the examples share: where the database is, and that their queues exist."""

import os

from psycopg import AsyncConnection

from faststream_pgmq import create_queue, install

DATABASE_URL = os.environ.get("DATABASE_URL", "")


async def make_queues(*queues: str) -> None:
    """Install the broker's SQL and create queues; safe to repeat."""
    async with await AsyncConnection.connect(DATABASE_URL, autocommit=True) as connection:
        await install(connection)
        for queue in queues:
            await create_queue(connection, queue)
