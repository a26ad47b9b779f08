"""Remembering Neo4j's jars."""

import json
from pathlib import Path

import pytest

from cli.local_stack.errors import JarsUnavailableError
from cli.local_stack.jar_resolver import CarefulResolver
from cli.local_stack.jars import JarCache, get_jars


def _ignore(file: str, count: int) -> None:
    del file, count


@pytest.fixture
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPASTATE_MAVEN_REPOSITORY", "http://127.0.0.1:1")
    monkeypatch.setenv("M2_REPO", str(tmp_path / "m2"))
    monkeypatch.setenv("JGO_CACHE_DIR", str(tmp_path / "jgo"))


@pytest.mark.usefixtures("no_network")
def test_known_jars_are_found_without_asking_anybody(tmp_path: Path) -> None:
    cache, jar = JarCache(tmp_path), tmp_path / "a.jar"
    jar.touch()
    cache.list_file.write_text(json.dumps({"jars": [str(jar)]}))

    assert get_jars(cache, _ignore) == [jar]


@pytest.mark.usefixtures("no_network")
def test_a_jar_that_vanished_is_fetched_again(tmp_path: Path) -> None:
    cache = JarCache(tmp_path)
    cache.list_file.write_text(json.dumps({"jars": [str(tmp_path / "gone.jar")]}))

    with pytest.raises(JarsUnavailableError):
        get_jars(cache, _ignore)


@pytest.mark.usefixtures("no_network")
def test_without_a_network_the_error_names_every_way_out(tmp_path: Path) -> None:
    with pytest.raises(JarsUnavailableError) as caught:
        get_jars(JarCache(tmp_path / "cache"), _ignore)

    for way_out in ("SUPASTATE_MAVEN_REPOSITORY", "M2_REPO", str(tmp_path / "m2"), "NEO4J_URI"):
        assert way_out in str(caught.value)


def test_a_file_that_a_killed_fetch_left_is_removed(tmp_path: Path) -> None:
    broken, whole = tmp_path / "broken.jar", tmp_path / "whole.jar"
    broken.write_bytes(b"half")
    whole.write_bytes(b"all of it")
    marker = tmp_path / "marker"
    marker.write_text(str(broken))

    CarefulResolver(marker, _ignore).remove_broken_file()

    assert not broken.exists()
    assert whole.exists()
    assert not marker.exists()
