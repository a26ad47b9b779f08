"""Which files of a folder are read, and what the report says of the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.errors import InvalidInputError
from shared.sources.records import CodeFile, ImportProblem, ImportReport
from shared.sources.source_tree import MAX_FILE_BYTES, find_source_files, read_source_tree
from tests.unit.sources.test_git_reader import git, make_repository


def read(folder: Path, report: ImportReport | None = None) -> dict[str, CodeFile]:
    items = read_source_tree(folder, report)
    return {item.path: item for item in items if isinstance(item, CodeFile)}


def reasons(folder: Path) -> dict[str, str]:
    items = read_source_tree(folder)
    return {item.file: item.reason for item in items if isinstance(item, ImportProblem)}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "shop")


def test_tracked_and_new_files_are_read_and_ignored_ones_are_not(repository: Path) -> None:
    (repository / ".gitignore").write_text("secret.py\n")
    (repository / "secret.py").write_text("x = 1\n")
    (repository / "app").mkdir()
    (repository / "app" / "new.ts").write_text("export const x = 1\n")

    files = read(repository)

    assert set(files) == {"app/new.ts", "ünï\tcode.txt"}
    assert files["app/new.ts"].language == "typescript"
    assert files["app/new.ts"].project_name == "shop"
    assert files["app/new.ts"].last_modified is not None


def test_a_subfolder_reads_its_whole_repository_with_its_paths(repository: Path) -> None:
    (repository / "app").mkdir()
    (repository / "app" / "new.ts").write_text("1\n")

    assert set(read(repository / "app")) == set(read(repository))


def test_files_that_cannot_be_taken_are_named_with_the_reason(repository: Path) -> None:
    (repository / "big.py").write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    (repository / "limit.py").write_bytes(b"#" * MAX_FILE_BYTES)
    (repository / "binary.py").write_bytes(b"x\x00y")
    (repository / "latin.py").write_bytes("a\nb = 'é'\n".encode("latin-1"))

    found = reasons(repository)

    assert found == {
        "big.py": "above the size limit: 524289 bytes, at most 524288",
        "binary.py": "a binary file",
        "latin.py": "not UTF-8 at byte 7",
    }
    assert "limit.py" in read(repository)


def test_what_says_nothing_about_the_code_is_counted(repository: Path) -> None:
    for name in ("uv.lock", "package-lock.json", "go.sum", "a.min.js", "x_pb2.py", "logo.svg"):
        (repository / name).write_text("x\n")
    (repository / "empty.py").touch()
    report = ImportReport()

    assert set(read(repository, report)) == {"ünï\tcode.txt"}
    assert report.dropped == {
        "lock files": 3,
        "minified files": 1,
        "generated files": 1,
        "files in no known language": 1,
        "empty files": 1,
    }


def test_links_are_not_followed_and_cycles_end(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text("private = 1\n")
    (repository / "link.py").symlink_to(tmp_path / "outside.py")
    (repository / "loop").symlink_to(repository, target_is_directory=True)
    (repository / "self.py").symlink_to("self.py")
    report = ImportReport()

    assert set(read(repository, report)) == {"ünï\tcode.txt"}
    assert report.dropped["symbolic links"] == 3


def test_a_deleted_file_is_no_problem(repository: Path) -> None:
    (repository / "ünï\tcode.txt").unlink()
    report = ImportReport()

    assert read(repository, report) == {}
    assert reasons(repository) == {}
    assert report.dropped == {"deleted files": 1}


def test_a_submodule_is_named_and_left_to_its_own_import(tmp_path: Path, repository: Path) -> None:
    other = make_repository(tmp_path / "money")
    git(repository, "submodule", "add", "-q", str(other), "libs/money")

    make_repository(repository / "cloned")

    found = reasons(repository)

    assert "a repository of its own" in found["libs/money"]
    assert "a repository of its own" in found["cloned/"]


def test_a_folder_without_git_is_walked_without_what_tools_made(tmp_path: Path) -> None:
    for name in ("app/main.go", "node_modules/x/index.js", ".venv/a.py", "build/b.py"):
        (tmp_path / "shop" / name).parent.mkdir(parents=True)
        (tmp_path / "shop" / name).write_text("x\n")
    (tmp_path / "shop" / "app" / "loop").symlink_to(tmp_path, target_is_directory=True)

    files = read(tmp_path / "shop")

    assert set(files) == {"app/main.go"}
    assert files["app/main.go"].project_name == "shop"


def test_a_missing_folder_and_a_bare_repository_are_refused(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "bare.git")

    with pytest.raises(InvalidInputError, match="not a folder"):
        find_source_files(tmp_path / "nowhere")
    with pytest.raises(InvalidInputError, match="bare repository"):
        find_source_files(tmp_path / "bare.git")


def test_a_byte_order_mark_is_no_content(repository: Path) -> None:
    (repository / "bom.py").write_bytes(b"\xef\xbb\xbfx = 1\n")

    assert read(repository)["bom.py"].content == "x = 1\n"
