"""Source files in the graph: what they define, import, and who speaks of them."""

from __future__ import annotations

import asyncio
from itertools import permutations
from uuid import uuid4

import pytest

from shared.messages import Metadata
from tests.integration.graph.builders import code, memory
from tests.integration.graph.conftest import Query, Save

DEFINED = """
MATCH (:CodeEntity {workspace_id: $workspace})-[r]->(d)
WHERE type(r) STARTS WITH 'DEFINES'
RETURN type(r) AS type, d.name AS name, d.workspace_id AS workspace ORDER BY type, name
"""
IMPORTS = """
MATCH (c:CodeEntity {workspace_id: $workspace})-[r:IMPORTS]->(t:CodeEntity)
RETURN c.path AS path, t.path AS target, r.specifiers AS specifiers ORDER BY path, target
"""
REFERENCES = """
MATCH (m:Memory {workspace_id: $workspace})-[r:REFERENCES_CODE]->(c:CodeEntity)
MATCH (c)-[back:DISCUSSED_IN {detection_method: r.detection_method}]->(m)
RETURN c.path AS path, r.detection_method AS method, r.matched_name AS name,
       coalesce(back.matched_name, '') = coalesce(r.matched_name, '') AS whole
ORDER BY path, method
"""
COUNTS = """
MATCH (m {workspace_id: $workspace})-[r]->() RETURN type(r) AS type, count(*) AS count ORDER BY type
"""


async def test_a_file_has_its_functions_classes_and_components(
    save: Save, query: Query, workspace: str
) -> None:
    content = (
        "export async function load(id: string): Promise<void> {}\n"
        "export class Cart extends Base { total() {} }\n"
        "export function Button({ label }) { const [a] = useState(0); return <b>{label}</b> }\n"
    )
    await save(code(workspace, "src/cart.tsx", content, language="typescript"))

    assert await query(DEFINED) == [
        {"type": "DEFINES_CLASS", "name": "Cart", "workspace": workspace},
        {"type": "DEFINES_COMPONENT", "name": "Button", "workspace": workspace},
        {"type": "DEFINES_FUNCTION", "name": "Button", "workspace": workspace},
        {"type": "DEFINES_FUNCTION", "name": "load", "workspace": workspace},
    ]
    [load] = await query(
        "MATCH (f:Function {workspace_id: $workspace, name: 'load'}) RETURN properties(f) AS f"
    )
    assert load["f"]["async"] is True
    assert load["f"]["generator"] is False
    assert load["f"]["params"] == ["id"]
    assert load["f"]["returnType"] == "Promise<void>"


async def test_a_changed_file_forgets_what_it_no_longer_defines(
    save: Save, query: Query, workspace: str
) -> None:
    key = uuid4()
    await save(code(workspace, "a.py", "def one(): ...\nclass Old: ...\n", key=key))
    await save(code(workspace, "a.py", "def one(): ...\ndef two(): ...\n", key=key, version=1))

    assert [row["name"] for row in await query(DEFINED)] == ["one", "two"]
    assert await query("MATCH (c:Class {workspace_id: $workspace}) RETURN c") == []


async def test_an_older_version_of_a_file_changes_nothing(
    save: Save, query: Query, workspace: str
) -> None:
    key = uuid4()
    await save(code(workspace, "a.py", "def new(): ...\n", key=key, version=1))
    await save(code(workspace, "a.py", "def old(): ...\n", key=key))

    assert [row["name"] for row in await query(DEFINED)] == ["new"]


FILES = {
    "shop/cart.py": "from shop.prices import total, VAT\nfrom . import store\n",
    "shop/prices.py": "import shop.store\n",
    "shop/store.py": "import os\n",
    "shop/__init__.py": "",
}


@pytest.mark.parametrize("order", list(permutations(FILES))[::5])
async def test_imports_are_linked_whatever_order_files_arrive_in(
    save: Save, query: Query, workspace: str, order: tuple[str, ...]
) -> None:
    for path in order:
        await save(code(workspace, path, FILES[path]))

    assert await query(IMPORTS) == [
        {"path": "shop/cart.py", "target": "shop/prices.py", "specifiers": ["total", "VAT"]},
        {"path": "shop/cart.py", "target": "shop/store.py", "specifiers": ["store"]},
        {"path": "shop/prices.py", "target": "shop/store.py", "specifiers": []},
    ]


async def test_a_changed_file_forgets_what_it_no_longer_imports(
    save: Save, query: Query, workspace: str
) -> None:
    cart = code(workspace, "cart.py", "import prices\nimport store\n")
    await save(cart, code(workspace, "prices.py"), code(workspace, "store.py"))
    await save(code(workspace, "cart.py", "import store\n", key=cart.entity.id, version=1))

    assert [row["target"] for row in await query(IMPORTS)] == ["store.py"]


async def test_imports_stay_inside_their_project(save: Save, query: Query, workspace: str) -> None:
    await save(
        code(workspace, "cart.py", "import prices\n"),
        code(workspace, "prices.py", project="other"),
    )

    assert await query(IMPORTS) == []


@pytest.mark.parametrize("code_first", [True, False])
async def test_a_memory_refers_to_the_file_its_tools_touched_and_the_names_it_says(
    save: Save, query: Query, workspace: str, code_first: bool
) -> None:
    said = memory(
        workspace,
        "compute_total rounds wrongly, see the Cart in models.py",
        metadata={"filePaths": ["shop/prices.py", "/home/me/shop/shop/store.py", "gone.py"]},
    )
    files = [
        code(workspace, "shop/prices.py", "def unsaid_name(): ...\n"),
        code(workspace, "shop/store.py"),
        code(workspace, "shop/totals.py", "def compute_total(): ...\n"),
        code(workspace, "shop/models.py", "class Cart: ...\n"),
        code(workspace, "shop/unrelated.py", "def run(): ...\n"),
        code(workspace, "elsewhere.py", "def compute_total(): ...\n", project="other"),
    ]
    for batch in [files, [said]] if code_first else [[said], files]:
        await save(*batch)

    assert await query(REFERENCES) == [
        {"path": "shop/models.py", "method": "name_match", "name": "models.py", "whole": True},
        {"path": "shop/prices.py", "method": "tool_path", "name": None, "whole": True},
        {"path": "shop/store.py", "method": "tool_path", "name": None, "whole": True},
        {"path": "shop/totals.py", "method": "name_match", "name": "compute_total", "whole": True},
    ]
    before = await query(COUNTS)
    await save(said, *files)
    assert await query(COUNTS) == before


async def test_code_and_memories_that_arrive_at_the_same_time_are_linked(
    save: Save, query: Query, workspace: str
) -> None:
    names = [f"helper_{number}" for number in range(8)]
    async with asyncio.TaskGroup() as writers:
        for name in names:
            writers.create_task(save(memory(workspace, f"{name} is slow", session=name)))
            writers.create_task(save(code(workspace, f"{name}.py", f"def {name}(): ...\n")))

    assert [row["path"] for row in await query(REFERENCES)] == [f"{name}.py" for name in names]


async def test_references_follow_new_versions_of_both_sides(
    save: Save, query: Query, workspace: str
) -> None:
    said = memory(workspace, "we call parse_code here", metadata={"filePaths": ["a.py"]})
    file = code(workspace, "parsing.py", "def parse_code(): ...\n")
    await save(said, file, code(workspace, "a.py"))
    await save(code(workspace, "parsing.py", "", key=file.entity.id, version=1))
    assert [row["path"] for row in await query(REFERENCES)] == ["a.py"]

    await save(memory(workspace, "nothing of code", key=said.entity.id, version=1))
    assert await query(REFERENCES) == []


async def test_a_memory_refers_to_at_most_25_files(
    save: Save, query: Query, workspace: str
) -> None:
    names = [f"helper_{number}" for number in range(40)]
    paths = [f"exact/{number}.py" for number in range(5)]
    files = [code(workspace, f"{name}.py", f"def {name}(): ...\n") for name in names]
    exact = [code(workspace, path) for path in paths]
    said = memory(workspace, " ".join(names), metadata={"filePaths": [*paths]})
    await save(said, *files, *exact)
    await save(*files)

    found = [row["method"] for row in await query(REFERENCES)]
    assert sorted(found) == ["name_match"] * 20 + ["tool_path"] * 5


async def test_a_memory_of_more_paths_than_lucene_takes_refers_to_the_first(
    save: Save, query: Query, workspace: str
) -> None:
    metadata: Metadata = {"filePaths": [f"shop/part_{number}.py" for number in range(1_100)]}
    names = " ".join(f"helper_{number}" for number in range(300))
    await save(code(workspace, "shop/part_7.py"))
    await save(memory(workspace, names, metadata=metadata))
    await save(code(workspace, "shop/part_8.py"))

    assert [row["path"] for row in await query(REFERENCES)] == ["shop/part_7.py", "shop/part_8.py"]


async def test_a_batch_makes_at_most_100_references_by_name(
    save: Save, query: Query, workspace: str
) -> None:
    names = [f"helper_{number}" for number in range(10)]
    await save(*(code(workspace, f"{name}.py") for name in names))
    await save(*(memory(workspace, " ".join(names), minutes=i) for i in range(12)))

    assert len(await query(REFERENCES)) == 100
