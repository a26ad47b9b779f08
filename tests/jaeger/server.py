"""A real Jaeger v2 for tests: built by Go once, then started on free loopback ports.

`pytest_plugins = ["tests.jaeger.server"]` in a conftest makes the fixture `jaeger` known.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self, TypedDict

import httpx
import pytest

from cli.local_stack.jars import find_user_cache
from cli.local_stack.ports import LOOPBACK, choose_port

MODULE = Path(__file__).parent
VERSION = "v1.76.0"
PACKAGE = "github.com/jaegertracing/jaeger/cmd/jaeger"
QUICKLY = ("-gcflags=all=-N -l", "-ldflags=-s -w")
"""Without optimization: a third less work than with it, for a server that sees a few traces."""
START_PATIENCE_SECONDS = 60.0
TRACE_PATIENCE_SECONDS = 15.0

CONFIG = """\
service:
  extensions: [jaeger_storage, jaeger_query, healthcheckv2]
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [jaeger_storage_exporter]
  telemetry:
    metrics: {{level: none}}
    logs: {{level: warn}}
extensions:
  jaeger_storage: {{backends: {{traces: {{memory: {{max_traces: 100000}}}}}}}}
  jaeger_query:
    storage: {{traces: traces}}
    http: {{endpoint: "{host}:{query}"}}
    grpc: {{endpoint: "{host}:{query_grpc}"}}
  healthcheckv2: {{use_v2: true, http: {{endpoint: "{host}:{health}"}}}}
receivers:
  otlp:
    protocols:
      grpc: {{endpoint: "{host}:{otlp_grpc}"}}
      http: {{endpoint: "{host}:{otlp_http}"}}
exporters:
  jaeger_storage_exporter: {{trace_storage: traces}}
"""
PORT_NAMES = ("query", "query_grpc", "health", "otlp_grpc", "otlp_http")


class JaegerUnavailableError(Exception):
    """Jaeger can neither be found in the cache nor built."""


def build_jaeger() -> Path:
    """Return the program; build it when the cache has none (minutes, once per `go.sum`).

    Raises:
        JaegerUnavailableError: there is no Go, or it cannot fetch a module.
    """
    mark = sha256((MODULE / "go.mod").read_bytes() + (MODULE / "go.sum").read_bytes()).hexdigest()
    folder = find_user_cache() / f"jaeger-{VERSION}-{mark[:12]}"
    program = folder / "jaeger"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "build.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            _build(folder / "jaeger.new")
            (folder / "jaeger.new").replace(program)
    return program


def _build(target: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise JaegerUnavailableError("no `go` on the PATH to build Jaeger with")
    built = subprocess.run(
        [go, "build", "-mod=readonly", "-trimpath", *QUICKLY, "-o", str(target), PACKAGE],
        cwd=MODULE,
        env=dict(os.environ) | {"CGO_ENABLED": "0", "GOWORK": "off"},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if built.returncode != 0:
        raise JaegerUnavailableError(f"go build failed: {built.stderr[-2000:]}")


@dataclass(frozen=True, slots=True)
class Span:
    """One span as Jaeger's query API tells it."""

    service: str
    name: str
    span_id: str
    parent_id: str | None
    started_at_us: int
    duration_us: int
    tags: Mapping[str, object]


class JaegerServer:
    """A running Jaeger with storage in memory; a context manager."""

    def __init__(self, program: Path) -> None:
        self._program = program
        self._resources = ExitStack()
        self._ports: dict[str, int] = {}

    @property
    def otlp_http_url(self) -> str:
        """What OTEL_EXPORTER_OTLP_ENDPOINT wants for protocol `http/protobuf`."""
        return f"http://{LOOPBACK}:{self._ports['otlp_http']}"

    @property
    def otlp_grpc_url(self) -> str:
        """What OTEL_EXPORTER_OTLP_ENDPOINT wants for protocol `grpc`."""
        return f"http://{LOOPBACK}:{self._ports['otlp_grpc']}"

    @property
    def query_url(self) -> str:
        return f"http://{LOOPBACK}:{self._ports['query']}"

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            folder = Path(undo.enter_context(TemporaryDirectory(prefix="jaeger-")))
            for name in PORT_NAMES:
                self._ports[name] = choose_port(None, set(self._ports.values()))
            config = folder / "config.yaml"
            config.write_text(CONFIG.format(host=LOOPBACK, **self._ports))
            process = self._spawn(config, folder / "jaeger.log")
            undo.callback(_end, process)
            self._wait_until_ready(process, folder / "jaeger.log")
            self._resources = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()

    def find_trace(
        self,
        trace_id: str,
        *,
        until: Callable[[Sequence[Span]], bool] = bool,
        patience_seconds: float = TRACE_PATIENCE_SECONDS,
    ) -> list[Span]:
        """Return the trace's spans as soon as `until` is true of them, else those there are.

        Exporters send in batches, so the first answer is rarely the whole trace.
        """
        deadline = time.monotonic() + patience_seconds
        spans = self._ask(trace_id)
        while not until(spans) and time.monotonic() < deadline:
            time.sleep(0.1)
            spans = self._ask(trace_id)
        return spans

    def _ask(self, trace_id: str) -> list[Span]:
        answer = httpx.get(f"{self.query_url}/api/traces/{trace_id}", trust_env=False)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return []
        traces: list[_Trace] = answer.raise_for_status().json()["data"]
        return [_read_span(span, trace["processes"]) for trace in traces for span in trace["spans"]]

    def _spawn(self, config: Path, log: Path) -> subprocess.Popen[bytes]:
        with log.open("wb") as output:
            return subprocess.Popen(
                [str(self._program), "--config", str(config)],
                env=dict(os.environ) | {"OTEL_TRACES_SAMPLER": "always_off"},  # its own traces
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def _wait_until_ready(self, process: subprocess.Popen[bytes], log: Path) -> None:
        deadline = time.monotonic() + START_PATIENCE_SECONDS
        while not self._is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise JaegerUnavailableError(f"Jaeger did not start: {log.read_text()[-2000:]}")
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        url = f"http://{LOOPBACK}:{self._ports['health']}/status"
        try:
            return httpx.get(url, trust_env=False).status_code == HTTPStatus.OK
        except httpx.TransportError:
            return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class _Tag(TypedDict):
    key: str
    value: object


class _Reference(TypedDict):
    refType: str
    spanID: str


class _Process(TypedDict):
    serviceName: str


class _Span(TypedDict):
    spanID: str
    operationName: str
    processID: str
    startTime: int
    duration: int
    references: list[_Reference]
    tags: list[_Tag]


class _Trace(TypedDict):
    spans: list[_Span]
    processes: dict[str, _Process]


def _read_span(span: _Span, processes: Mapping[str, _Process]) -> Span:
    parents = [ref["spanID"] for ref in span["references"] if ref["refType"] == "CHILD_OF"]
    return Span(
        service=processes[span["processID"]]["serviceName"],
        name=span["operationName"],
        span_id=span["spanID"],
        parent_id=parents[0] if parents else None,
        started_at_us=span["startTime"],
        duration_us=span["duration"],
        tags={tag["key"]: tag["value"] for tag in span["tags"]},
    )


@pytest.fixture(scope="session")
def jaeger() -> Iterator[JaegerServer]:
    """A running Jaeger; skips the test where it cannot be built."""
    try:
        program = build_jaeger()
    except JaegerUnavailableError as error:
        pytest.skip(str(error))
    with JaegerServer(program) as server:
        yield server
