"""`python -m tests.prefetch`: bring what takes minutes on a new machine into the caches.

Neo4j's jars, and a Jaeger built by Go; both are locked, so whoever needs one waits for it.
"""

from threading import Thread

from cli.local_stack.jars import JarCache, find_user_cache, get_jars
from tests.jaeger.server import build_jaeger

if __name__ == "__main__":
    building = Thread(target=build_jaeger)
    building.start()
    get_jars(JarCache(find_user_cache()), lambda _name, _count: None)
    building.join()
