"""`python -m tests.jaeger`: build Jaeger into the cache, so that no test has to wait for it."""

from tests.jaeger.server import build_jaeger

build_jaeger()
