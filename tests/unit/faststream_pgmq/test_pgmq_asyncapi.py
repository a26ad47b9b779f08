"""The AsyncAPI document: queues as addresses, servers without secrets, for both versions."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import pytest
from faststream import FastStream
from faststream.specification import AsyncAPI
from pydantic import BaseModel

from faststream_pgmq import PgmqBroker, PgmqRoute, PgmqRoutePublisher, PgmqRouter
from faststream_pgmq.broker.addresses import server_urls, without_secrets

Version = Literal["2.6.0", "3.0.0"]


class Order(BaseModel):
    n: int


@pytest.fixture(params=["2.6.0", "3.0.0"])
def version(request: pytest.FixtureRequest) -> Version:
    return request.param


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE"):
        monkeypatch.delenv(name, raising=False)


def document(broker: PgmqBroker, version: Version) -> dict[str, Any]:
    specification = AsyncAPI(broker, schema_version=version).to_specification()
    assert specification.to_yaml()
    return json.loads(specification.to_json())


def servers(broker: PgmqBroker, version: Version) -> list[str]:
    """Return all servers of a document as URLs, whatever the version calls them."""
    described = document(broker, version)["servers"].values()
    if version == "2.6.0":
        return [one["url"] for one in described]
    return [f"{one['protocol']}://{one['host']}{one['pathname']}" for one in described]


@pytest.mark.parametrize(
    ("dsn", "urls"),
    [
        ("", ["postgresql://localhost:5432/"]),
        ("postgresql:///shop", ["postgresql://localhost:5432/shop"]),
        ("postgresql://ann:secret@db:5433/shop", ["postgresql://db:5433/shop"]),
        ("host=db dbname=shop user=ann password=secret", ["postgresql://db:5432/shop"]),
        ("postgresql://db/shop?password=secret", ["postgresql://db:5432/shop"]),
        (
            "postgresql://ann:secret@one:5433,two:5434/shop?target_session_attrs=read-write",
            ["postgresql://one:5433/shop", "postgresql://two:5434/shop"],
        ),
        ("host=one,two port=5433", ["postgresql://one:5433/", "postgresql://two:5433/"]),
        ("postgresql://[::1]:5433/shop", ["postgresql://[::1]:5433/shop"]),
        ("hostaddr=10.0.0.1 dbname=shop", ["postgresql://10.0.0.1:5432/shop"]),
        ("host=/run/pg dbname=shop", ["postgresql://%2Frun%2Fpg:5432/shop"]),
        ("dbname='postgresql://ann:secret@db/shop'", ["postgresql://localhost:5432/"]),
    ],
)
def test_servers_are_the_hosts_and_nothing_secret(
    dsn: str, urls: list[str], version: Version
) -> None:
    broker = PgmqBroker(dsn, logger=None)
    assert servers(broker, version) == urls
    assert "secret" not in json.dumps(document(broker, version))
    assert "secret" not in repr(broker.specification)


def test_servers_are_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("PGHOST", "db"), ("PGPORT", "5433"), ("PGDATABASE", "shop")):
        monkeypatch.setenv(name, value)
    assert server_urls("") == ["postgresql://db:5433/shop"]
    assert server_urls("host=other") == ["postgresql://other:5433/shop"]


def test_a_given_url_is_shown_without_its_secrets(version: Version) -> None:
    broker = PgmqBroker(specification_url="postgresql://ann:s:e@cret@public:5432/shop?password=x")
    assert servers(broker, version) == ["postgresql://public:5432/shop"]
    assert without_secrets("postgresql://public/shop") == "postgresql://public/shop"


def test_a_queue_is_its_channels_address_with_all_prefixes(version: Version) -> None:
    inner, outer = PgmqRouter(prefix="b_"), PgmqRouter(prefix="a_")

    async def take(order: Order) -> Order:
        return order

    route = PgmqRoute(take, "in", publishers=[PgmqRoutePublisher("out")])
    outer.include_router(PgmqRouter(prefix="c_", handlers=[route]), prefix="d_")
    inner.subscriber("read", batch=True, title="Reads")(take)
    broker = PgmqBroker(routers=[outer])
    broker.include_router(inner)

    channels = document(broker, version)["channels"]
    assert set(channels) == {"a_d_c_in:Take", "Reads", "a_d_c_out:Publisher"}
    if version == "3.0.0":
        addresses = {one["address"] for one in channels.values()}
        assert addresses == {"a_d_c_in", "b_read", "a_d_c_out"}
    # There is no AsyncAPI binding for Postgres, and that of another protocol would be a lie.
    assert all("bindings" not in one for one in channels.values())


def test_a_document_holds_payloads_descriptions_tags_and_what_is_left_out(
    version: Version,
) -> None:
    broker = PgmqBroker(description="All orders", tags=[{"name": "shop"}], protocol_version="18")

    @broker.subscriber("orders", description="Takes orders")
    async def take(order: Order) -> None: ...

    @broker.subscriber("private", include_in_schema=False)
    async def hide(order: Order) -> None: ...

    broker.publisher("placed", schema=Order)
    described = document(broker, version)
    (server,) = described["servers"].values()
    assert (server["description"], server["protocol"]) == ("All orders", "postgresql")
    assert (server["protocolVersion"], server["tags"]) == ("18", [{"name": "shop"}])
    assert set(described["channels"]) == {"orders:Take", "placed:Publisher"}
    assert described["channels"]["orders:Take"]["description"] == "Takes orders"
    assert described["components"]["schemas"]["Order"]["properties"]["n"]["type"] == "integer"


def test_the_application_shares_its_document_with_its_broker() -> None:
    broker = PgmqBroker("postgresql://ann:secret@db/shop")
    app = FastStream(broker, specification=AsyncAPI(schema_version="3.0.0"))
    assert "secret" not in app.schema.to_specification().to_json()


APP = """
from faststream import FastStream
from faststream_pgmq import PgmqBroker

broker = PgmqBroker("postgresql://ann:secret@db/shop")
app = FastStream(broker)

@broker.subscriber("orders")
@broker.publisher("placed")
async def take(n: int) -> int:
    return n
"""


@pytest.mark.parametrize("name", ["asyncapi.json", "asyncapi.yaml"])
def test_faststream_docs_gen_writes_the_document(tmp_path: Path, name: str) -> None:
    (tmp_path / "shop_app.py").write_text(APP)
    options = ["--yaml"] if name.endswith("yaml") else []
    command = [sys.executable, "-m", "faststream", "docs", "gen", "shop_app:app", *options]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    written = (tmp_path / name).read_text()
    assert "orders" in written
    assert "secret" not in written + done.stdout + done.stderr
