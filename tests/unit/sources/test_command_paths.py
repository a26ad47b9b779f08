"""Which files a shell command names."""

from __future__ import annotations

from time import process_time

import pytest

from shared.sources.command_paths import find_command_paths


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("rm cmd/start.go cmd/start_test.go", ["cmd/start.go", "cmd/start_test.go"]),
        ("git add src/a.py .github/.gitignore && git commit", ["src/a.py", ".github/.gitignore"]),
        ("export A=b && .claude/skills/run.sh stop", [".claude/skills/run.sh"]),
        ('cat "src/a.py" | head', ["src/a.py"]),
        ("cat README.md", ["README.md"]),
        ("cd /tmp && cat src/a.py /home/me/shop/b.py", ["/home/me/shop/b.py"]),
        ("git -C ../other add src/a.py", []),
        ("cat > src/new.py <<'EOF'\nimport src/old.py\nEOF", ["src/new.py"]),
        (r"type src\shop\cart.py", [r"src\shop\cart.py"]),
        ("curl https://example.com/a/b.py", []),
        ("go test ./... -run x && ls src/*.py $HOME/a.py ${X}/b.py", []),
        ("pip install numpy==1.2 && echo 3.14 ../x", []),
        ("", []),
    ],
)
def test_paths_of_files_are_found(command: str, found: list[str]) -> None:
    assert find_command_paths(command) == found


@pytest.mark.parametrize("piece", ["a/", "a.", "<", "cd ", "-", "'"])
def test_hostile_commands_cost_no_more_than_plain_ones(piece: str) -> None:
    started = process_time()
    find_command_paths(piece * (1_000_000 // len(piece)))

    assert process_time() - started < 2
