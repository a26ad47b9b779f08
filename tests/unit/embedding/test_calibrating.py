"""What thresholds mean to a model is measured on real memories, and configured by one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.calibrating import read_samples
from cli.errors import CommandError
from shared.domain.calibration import Calibration
from shared.embedding import WordLlamaEmbedder, open_embedder
from shared.embedding.calibrating import Sample, measure
from shared.embedding.wordllama import CALIBRATION
from shared.errors import InvalidInputError, SettingsError
from shared.settings import Settings, read_points

SUPASTATE = Path(sys.executable).with_name("supastate")
SERVERS = {
    "SUPASTATE_POSTGRES_DSN": "postgresql://nowhere",
    "SUPASTATE_NEO4J_URI": "bolt://nowhere",
    "SUPASTATE_NEO4J_PASSWORD": "unused",
}
VARIABLE = "SUPASTATE_EMBEDDING_CALIBRATION"


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in SERVERS.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


async def test_the_default_models_equivalents_are_what_is_measured_on_real_episodes(
    labelled: Path,
) -> None:
    found = await measure(WordLlamaEmbedder(), read_samples(labelled / "episodes.jsonl.gz"))
    assert found.pairs > 10_000
    for (reference, here), (known, built_in) in zip(found.points, CALIBRATION.points, strict=True):
        assert reference == known
        assert here == pytest.approx(built_in, abs=0.01)


def test_a_folder_of_real_sessions_is_read_with_its_sessions_and_files(samples: Path) -> None:
    read = read_samples(samples / "claude-code")
    assert len({sample.session_id for sample in read}) > 10
    assert any(sample.files for sample in read)


async def test_pairs_of_one_session_or_with_a_common_file_are_not_counted() -> None:
    texts = [f"memory {n} of {n * n}" for n in range(100)]
    apart = [Sample(text, f"s{n}") for n, text in enumerate(texts)]
    assert (await measure(WordLlamaEmbedder(), apart)).pairs == 100 * 99 // 2
    halves = [Sample(text, f"s{n % 2}") for n, text in enumerate(texts)]
    assert (await measure(WordLlamaEmbedder(), halves)).pairs == 50 * 50
    alike = [Sample(text, f"s{n}", frozenset({f"{n % 2}.py"})) for n, text in enumerate(texts)]
    assert (await measure(WordLlamaEmbedder(), alike)).pairs == 50 * 50


@pytest.mark.parametrize("count", [0, 1, 2, 10])
async def test_too_few_memories_are_refused(count: int) -> None:
    few = [Sample(f"memory {n}", f"s{n}") for n in range(count)]
    with pytest.raises(InvalidInputError, match="give more sessions"):
        await measure(WordLlamaEmbedder(), few)


def test_the_command_prints_a_line_that_the_settings_read(
    labelled: Path, tmp_path: Path, configured: pytest.MonkeyPatch
) -> None:
    shown = subprocess.run(
        [SUPASTATE, "calibrate", labelled / "episodes.jsonl.gz", "--json"],
        env=dict(os.environ) | {"SUPASTATE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found = json.loads(shown.stdout)
    assert found["model"] == WordLlamaEmbedder.name
    configured.setenv(VARIABLE, found["setting"])
    points = tuple((reference, here) for reference, here in found["points"])
    assert open_embedder(Settings.load()).calibration == Calibration(points)


@pytest.mark.parametrize("embedder", ["wordllama", "openai"])
def test_configured_points_are_those_of_the_embedder(
    configured: pytest.MonkeyPatch, embedder: str
) -> None:
    configured.setenv("SUPASTATE_EMBEDDER", embedder)
    configured.setenv(VARIABLE, "0.65=0.4, 0.80=0.5")
    assert open_embedder(Settings.load()).calibration.cosine(0.65) == pytest.approx(0.4)
    configured.setenv(VARIABLE, "")
    built_in = CALIBRATION if embedder == "wordllama" else Calibration()
    assert open_embedder(Settings.load()).calibration == built_in


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0.65", "no pair like 0.65=0.59"),
        ("0.65=high", "no pair like"),
        ("0.65=0.6,", "no pair like"),
        ("0.80=0.7,0.65=0.6", "both must rise"),
        ("0.65=0.6,0.80=0.6", "both must rise"),
        ("0.65=1.5", "between -1 and 1"),
        ("0.65=nan", "both must rise"),
    ],
)
def test_a_wrong_line_stops_the_start_and_names_the_variable(
    configured: pytest.MonkeyPatch, line: str, reason: str
) -> None:
    configured.setenv(VARIABLE, line)
    with pytest.raises(SettingsError, match=VARIABLE) as raised:
        Settings.load()
    assert reason in str(raised.value)


def test_a_line_of_the_file_that_is_no_memory_is_named(tmp_path: Path) -> None:
    file = tmp_path / "memories.jsonl"
    file.write_text('{"content": "ok"}\n["no"]\n')
    with pytest.raises(CommandError, match=r"memories\.jsonl, line 2"):
        read_samples(file)


@given(st.lists(st.floats(-0.99, 0.99), unique=True, max_size=5))
def test_what_is_printed_is_read(numbers: list[float]) -> None:
    rising = sorted({round(number, 3) for number in numbers})
    line = ",".join(f"{number}={number}" for number in rising)
    assert not line or read_points(line) == tuple((number, number) for number in rising)
