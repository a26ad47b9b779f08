"""Reads commits from repositories that git itself made."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from shared.errors import InvalidInputError
from shared.sources.git import count_commits, read_git
from shared.sources.records import ImportProblem, MemoryChunk
from shared.sources.repository import Repositories, find_repository

IDENTITY = {
    "GIT_AUTHOR_NAME": "Ann Example", "GIT_AUTHOR_EMAIL": "ann@example.org",
    "GIT_COMMITTER_NAME": "Ann Example", "GIT_COMMITTER_EMAIL": "ann@example.org",
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "PATH": "/usr/bin:/bin",
}  # fmt: skip


def git(folder: Path, *arguments: str, date: str = "2026-03-01T10:00:00+02:00") -> str:
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    done = subprocess.run(
        ["git", "-c", "protocol.file.allow=always", "-C", str(folder), *arguments],
        env=IDENTITY | dates,
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().strip()


def make_repository(folder: Path) -> Path:
    """A repository with an addition, a change with a rename, and a change on the next day."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    (folder / "a b.py").write_text("one\ntwo\nthree\n" * 10)
    (folder / "ünï\tcode.txt").write_text("x\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "Add files\n\nBecause of reasons.")
    (folder / "ünï\tcode.txt").write_text("x\ny\n")
    git(folder, "mv", "a b.py", "c.py")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "commit 2: rename", date="2026-03-01T11:00:00+02:00")
    git(folder, "rm", "-q", "c.py")
    git(folder, "commit", "-qm", "Remove it", date="2026-03-02T00:30:00+02:00")
    return folder


def read(folder: Path) -> list[MemoryChunk]:
    items = list(read_git(folder))
    assert not [item for item in items if isinstance(item, ImportProblem)]
    return [item for item in items if isinstance(item, MemoryChunk)]


def test_each_commit_is_a_memory_with_what_it_changed(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "shop")

    removed, renamed, added = read(repository)

    assert added.content == "Add files\n\nBecause of reasons."
    assert added.metadata["filePaths"] == ["a b.py", "ünï\tcode.txt"]
    assert (added.metadata["insertions"], added.metadata["deletions"]) == (31, 0)
    assert renamed.metadata["changedFiles"] == [
        {"path": "c.py", "change": "renamed"},
        {"path": "ünï\tcode.txt", "change": "modified"},
    ]
    assert (renamed.metadata["insertions"], removed.metadata["deletions"]) == (1, 30)
    assert removed.metadata["changedFiles"] == [{"path": "c.py", "change": "deleted"}]
    assert added.chunk_id == f"git:{git(repository, 'rev-parse', 'HEAD~2')}"
    assert added.project_name == "shop"


def test_the_author_is_named_without_an_address(tmp_path: Path) -> None:
    memory = read(make_repository(tmp_path / "shop"))[0]

    assert memory.metadata["author"] == "Ann Example"
    assert "example.org" not in str(memory)


def test_a_session_is_an_authors_own_day(tmp_path: Path) -> None:
    removed, renamed, added = read(make_repository(tmp_path / "shop"))

    assert added.session_id == renamed.session_id != removed.session_id
    assert removed.session_id.startswith("git:shop:2026-03-02:")
    assert removed.occurred_at.isoformat() == "2026-03-01T22:30:00+00:00"


def test_reading_again_yields_the_same(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "shop")

    assert read(repository) == read(repository)
    assert count_commits(repository) == 3


def test_a_worktree_and_a_subfolder_belong_to_their_repository(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "shop")
    git(repository, "worktree", "add", "-q", str(tmp_path / "elsewhere" / "7"))
    (repository / "deep" / "down").mkdir(parents=True)

    assert read(tmp_path / "elsewhere" / "7") == read(repository)
    assert read(repository / "deep" / "down") == read(repository)
    found = Repositories().get(str(tmp_path / "elsewhere" / "7"))
    assert (found.name, found.root) == ("shop", str(tmp_path / "elsewhere" / "7"))


def test_a_shallow_clone_yields_what_it_has_under_the_same_ids(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "shop")
    git(tmp_path, "clone", "-q", "--depth=2", repository.as_uri(), "shallow")

    clone = read(tmp_path / "shallow")

    assert [item.chunk_id for item in clone] == [item.chunk_id for item in read(repository)[:2]]


def test_a_clone_without_file_contents_is_read_without_line_counts(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "shop")
    git(repository, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--bare", "--filter=blob:none", repository.as_uri(), "part.git")

    memories = read(tmp_path / "part.git")

    assert [item.chunk_id for item in memories] == [item.chunk_id for item in read(repository)]
    assert memories[-1].metadata["filePaths"] == ["a b.py", "ünï\tcode.txt"]
    assert "insertions" not in memories[0].metadata
    assert memories[0].project_name == "part"


def test_a_merge_and_an_empty_message_are_memories(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "shop")
    git(repository, "checkout", "-qb", "side", "HEAD~1")
    git(repository, "commit", "-q", "--allow-empty", "--allow-empty-message", "-m", "")
    git(repository, "merge", "-q", "--no-ff", "-m", "Merge main", "main")

    memories = {item.content: item for item in read(repository)}

    assert memories["Merge main"].metadata["isMerge"] is True
    assert memories["(no commit message)"].metadata["filePaths"] == []


def test_a_repository_without_commits_says_so(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")

    (problem,) = read_git(tmp_path)

    assert isinstance(problem, ImportProblem)
    assert problem.reason == "a repository without commits"
    assert count_commits(tmp_path) == 0


def test_a_folder_without_git_is_refused_with_gits_reason(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="not a git repository"):
        list(read_git(tmp_path))
    assert find_repository(tmp_path) is None


def test_the_environment_of_a_git_hook_does_not_mislead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = make_repository(tmp_path / "one"), make_repository(tmp_path / "two")
    monkeypatch.setenv("GIT_DIR", str(two / ".git"))

    assert {item.project_name for item in read(one)} == {"one"}


def test_programs_that_a_repository_configures_are_not_run(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "shop")
    trap = f"touch {tmp_path / 'ran'}"
    for name in ("core.fsmonitor", "core.pager", "diff.external", "diff.evil.textconv"):
        git(repository, "config", name, trap)
    (repository / ".git" / "info" / "attributes").write_text("*.py diff=evil\n")

    assert len(read(repository)) == 3
    assert not (tmp_path / "ran").exists()
