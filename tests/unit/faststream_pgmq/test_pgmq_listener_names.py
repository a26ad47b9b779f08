"""A listener's session says which queue it is for, beside the name that its user chose."""

from __future__ import annotations

import pytest
from psycopg.conninfo import conninfo_to_dict

from faststream_pgmq.connecting import LONGEST_NAME, with_name

BELL = "pgmq_bell.orders"


@pytest.mark.parametrize(
    ("dsn", "name"),
    [
        ("dbname=x", BELL),
        ("dbname=x application_name=shop", f"shop {BELL}"),
        (f"dbname=x application_name={'s' * 80}", f"{'s' * (LONGEST_NAME - len(BELL) - 1)} {BELL}"),
    ],
)
def test_the_queue_is_named_at_the_end(dsn: str, name: str) -> None:
    assert conninfo_to_dict(with_name(dsn, BELL))["application_name"] == name
