"""Runs detection on one workspace, over and over, until its standard input ends.

Takes the address, user and password of Neo4j, the workspace, and a seed for its limits. Says at the
end how many requests it handled, and how many it would have given back to the queue.
"""

from __future__ import annotations

import asyncio
import random
import sys

from services.patterns.handlers import detect_patterns
from shared.embedding import WordLlamaEmbedder
from shared.graph.driver import GraphError, connect
from shared.messages import DetectPatterns

uri, user, password, workspace, seed = sys.argv[1:]


async def main() -> None:
    ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    chance, embedder = random.Random(int(seed)), WordLlamaEmbedder()
    handled = failed = 0
    async with connect(uri, user, password) as driver:
        print("ready", flush=True)
        while not ended.done():
            job = DetectPatterns(workspace_id=workspace, limit=chance.randint(1, 12))
            try:
                await detect_patterns(job, driver=driver, embedder=embedder)
                handled += 1
            except GraphError as error:
                print(repr(error.__cause__), getattr(error.__cause__, "code", ""), file=sys.stderr)
                failed += 1
    print(handled, failed, flush=True)


asyncio.run(main())
