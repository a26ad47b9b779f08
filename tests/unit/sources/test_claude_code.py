"""What becomes a memory of a Claude Code session, and what does not."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from pydantic import JsonValue

from shared.sources.claude_code import read_claude_code
from shared.sources.claude_turns import MAX_CONTENT_CHARACTERS
from shared.sources.records import ImportReport
from tests.unit.sources.transcripts import Session, contents, read, tool

NOT_HUMAN: list[tuple[JsonValue, dict[str, JsonValue], str]] = [
    ([{"type": "tool_result", "tool_use_id": "t", "content": "x"}], {}, "tool results"),
    ("hidden", {"isMeta": True}, "meta"),
    ("This session is being continued …", {"isCompactSummary": True}, "compact summaries"),
    ("<command-name>/exit</command-name>", {}, "commands"),
    ("<command-message>pr</command-message>", {}, "commands"),
    ("<local-command-stdout>Bye</local-command-stdout>", {}, "commands"),
    ("<bash-input>ls</bash-input>", {}, "shell commands"),
    ("<task-notification>done</task-notification>", {}, "task notifications"),
    ([{"type": "text", "text": "[Request interrupted by user]"}], {}, "interruptions"),
    ("<system-reminder>be nice</system-reminder>", {}, "system reminders"),
    ([], {}, "prompts without text"),
]


def test_a_prompt_and_its_answer_up_to_the_next_prompt_are_one_memory(tmp_path: Path) -> None:
    session = Session()
    session.user("fix the login")
    session.assistant("Looking.")
    session.assistant("Done.")
    session.user([{"type": "text", "text": "thanks"}])
    session.write(tmp_path)

    memories = read(tmp_path)

    assert contents(memories) == ["fix the login\n\nLooking.\nDone.", "thanks"]
    assert [memory.chunk_id for memory in memories] == ["claude-code:s1-1:0", "claude-code:s1-4:0"]
    assert memories[0].occurred_at.isoformat() == "2026-01-05T10:00:01+00:00"
    assert memories[0].metadata["endTime"] == "2026-01-05T10:00:03Z"


@pytest.mark.parametrize(("content", "extra", "kind"), NOT_HUMAN)
def test_what_the_program_wrote_is_counted_but_no_memory(
    tmp_path: Path, content: JsonValue, extra: dict[str, JsonValue], kind: str
) -> None:
    session = Session()
    session.user(content, **extra)
    session.write(tmp_path)
    report = ImportReport()

    assert read(tmp_path, report) == []
    assert report.dropped == {kind: 1}


def test_a_prompt_typed_while_the_assistant_worked_is_a_memory(tmp_path: Path) -> None:
    session = Session()
    session.user("start")
    session.assistant("Working.")
    queued: dict[str, JsonValue] = {"type": "queued_command", "commandMode": "prompt"}
    session.add("attachment", attachment=queued | {"prompt": "use Go", "source_uuid": "q1"})
    session.assistant("Go it is.")
    session.user("use Go", uuid="q1")
    session.write(tmp_path)

    assert contents(read(tmp_path)) == ["start\n\nWorking.", "use Go\n\nGo it is."]


@pytest.mark.parametrize(
    "wrong", [{"commandMode": "task-notification"}, {"origin": {"kind": "peer"}}, {"isMeta": True}]
)
def test_a_queued_message_of_a_program_is_no_prompt(
    tmp_path: Path, wrong: dict[str, JsonValue]
) -> None:
    session = Session()
    queued: dict[str, JsonValue] = {"type": "queued_command", "prompt": "done"}
    session.add("attachment", attachment=queued | wrong)
    session.write(tmp_path)

    assert read(tmp_path) == []


def test_reminders_inside_a_prompt_are_cut_out(tmp_path: Path) -> None:
    session = Session()
    session.user(
        "<system-reminder>\nnote\n</system-reminder>\nfix it <system-reminder>x</system-reminder>"
    )
    session.write(tmp_path)

    assert contents(read(tmp_path)) == ["fix it"]


def test_a_prompt_of_a_picture_alone_is_kept(tmp_path: Path) -> None:
    session = Session()
    session.user([{"type": "image", "source": {}}])
    session.assistant("A login form.")
    session.write(tmp_path)

    assert contents(read(tmp_path)) == ["[image]\n\nA login form."]


def test_tools_paths_and_failures_are_in_the_metadata(tmp_path: Path) -> None:
    session = Session()
    session.user("make the tests pass")
    session.assistant(tool("Read", "t1", file_path=f"{session.cwd}/app/login.py"))
    session.result("t1", "    def test(): --- FAIL: is only a text here")
    session.assistant(tool("Bash", "t2", command="go test"), tool("Grep", "t3", path="app"))
    session.result(
        "t2", [{"type": "text", "text": "--- FAIL: TestLogin (0.1s)\nFAIL"}], is_error=True
    )
    session.assistant(tool("Edit", "t4", file_path=f"{session.cwd}/app/main.go"))
    session.assistant(tool("Write", "t5", file_path="/Users/ann/.claude/plan.md"))
    session.write(tmp_path)

    metadata = read(tmp_path)[0].metadata

    assert metadata["tools"] == {"Read": 1, "Bash": 1, "Grep": 1, "Edit": 1, "Write": 1}
    assert metadata["filePaths"] == ["app/login.py", "app/main.go", "~/.claude/plan.md"]
    assert metadata["editedPaths"] == ["app/main.go", "~/.claude/plan.md"]
    assert (metadata["toolResults"], metadata["toolErrors"], metadata["failingOutputs"]) == (
        2,
        1,
        1,
    )
    assert (metadata["gitBranch"], metadata["codeLanguage"]) == ("main", "go")


def test_a_response_in_several_records_is_one_message(tmp_path: Path) -> None:
    session = Session()
    session.user("hello")
    session.assistant("Hi.", message_id="m1")
    session.assistant("Hi.", message_id="m1")
    session.assistant(tool("Bash", "t1"), message_id="m1")
    session.assistant(tool("Bash", "t1"), message_id="m1")
    session.write(tmp_path)

    memory = read(tmp_path)[0]

    assert memory.content == "hello\n\nHi."
    assert memory.metadata["messageCount"] == 2
    assert memory.metadata["tools"] == {"Bash": 1}


def test_records_copied_by_a_fork_are_read_once(tmp_path: Path) -> None:
    session = Session()
    session.user("first")
    session.assistant("one")
    session.write(tmp_path, "a.jsonl")
    session.user("second")
    session.assistant("two")
    session.write(tmp_path, "b.jsonl")

    assert contents(read(tmp_path)) == ["first\n\none", "second\n\ntwo"]


def test_an_answer_that_goes_on_in_a_fork_is_kept_without_its_prompt(tmp_path: Path) -> None:
    session = Session()
    session.user("first")
    session.assistant("begun")
    session.write(tmp_path, "a.jsonl")
    session.session_id = "s2"
    session.assistant("and finished")
    session.write(tmp_path, "b.jsonl")

    memories = read(tmp_path)

    assert contents(memories) == ["first\n\nbegun", "and finished"]
    assert [memory.metadata["messageType"] for memory in memories] == ["user", "assistant"]


def test_a_rewound_prompt_and_its_replacement_keep_their_own_answers(tmp_path: Path) -> None:
    session = Session()
    session.user("root")
    root = session.assistant("ready")
    first = session.user("try A")
    second = session.user("try B", parentUuid=root)
    session.assistant("B done", parentUuid=second)
    session.assistant("A done", parentUuid=first)
    session.write(tmp_path)

    assert contents(read(tmp_path)) == ["root\n\nready", "try A\n\nA done", "try B\n\nB done"]


def test_a_broken_chain_goes_on_in_the_order_of_the_file(tmp_path: Path) -> None:
    session = Session()
    session.user("long work")
    session.assistant("part one")
    session.add("system", subtype="compact_boundary", parentUuid=None)
    session.user("summary of before", isCompactSummary=True)
    session.assistant("part two")
    session.write(tmp_path)

    assert contents(read(tmp_path)) == ["long work\n\npart one\npart two"]


def test_the_answer_to_a_slash_command_is_a_memory_of_the_assistant(tmp_path: Path) -> None:
    session = Session()
    session.user("<command-message>pr</command-message>\n<command-name>/pr</command-name>")
    session.user([{"type": "text", "text": "Write a PR title"}], isMeta=True)
    session.assistant("Title: Fix login")
    session.write(tmp_path)

    memory = read(tmp_path)[0]

    assert (memory.content, memory.metadata["command"]) == ("Title: Fix login", "/pr")
    assert memory.metadata["messageType"] == "assistant"


def test_a_subagents_run_stands_apart_in_its_session(tmp_path: Path) -> None:
    session = Session()
    session.user("review it")
    session.assistant(tool("Task", "t1", prompt="look for bugs"))
    session.write(tmp_path)
    agent = Session(started=5)
    agent.user("look for bugs", isSidechain=True, agentId="a1", uuid="x1")
    agent.assistant("found one", isSidechain=True, agentId="a1", uuid="x2", parentUuid="x1")
    agent.write(tmp_path, "s1/subagents/agent-a1.jsonl")

    main, side = read(tmp_path)

    assert (main.content, main.session_id) == ("review it", "s1")
    assert (side.content, side.session_id) == ("look for bugs\n\nfound one", "s1")
    assert side.metadata["messageType"] == "assistant"
    assert (side.metadata["isSidechain"], side.metadata["agentId"]) == (True, "a1")


def test_a_sidechain_in_the_sessions_own_file_does_not_mix_with_it(tmp_path: Path) -> None:
    session = Session()
    session.user("do it")
    spawn = session.assistant("Asking an agent.")
    session.user("task", isSidechain=True, parentUuid=None)
    session.assistant("agent's answer", isSidechain=True)
    session.assistant("All done.", parentUuid=spawn)
    session.write(tmp_path)

    assert contents(read(tmp_path)) == [
        "do it\n\nAsking an agent.\nAll done.",
        "task\n\nagent's answer",
    ]


def test_warm_ups_and_synthetic_answers_are_no_memories(tmp_path: Path) -> None:
    session = Session()
    session.user("Warmup", isSidechain=True, agentId="a")
    session.assistant("I'm ready.", isSidechain=True, agentId="a")
    session.user("hello", parentUuid=None)
    session.assistant("API Error: 529", isApiErrorMessage=True)
    session.write(tmp_path)
    report = ImportReport()

    assert contents(read(tmp_path, report)) == ["hello"]
    assert report.dropped == {"warm-ups of subagents": 2, "API errors": 1}


def test_a_long_answer_is_split_and_every_part_carries_the_metadata(tmp_path: Path) -> None:
    session = Session()
    session.user("explain")
    paragraphs = [f"Paragraph {number}. " + "word " * 180 for number in range(40)]
    session.assistant("\n\n".join(paragraphs))
    session.assistant(tool("Bash", "t1"))
    session.write(tmp_path)

    memories = read(tmp_path)

    assert len(memories) > 3
    assert all(len(memory.content) <= MAX_CONTENT_CHARACTERS for memory in memories)
    assert [memory.metadata["chunkIndex"] for memory in memories] == list(range(len(memories)))
    assert {str(memory.metadata["tools"]) for memory in memories} == {"{'Bash': 1}"}
    assert sum(memory.content.count("explain") for memory in memories) == 1
    joined = " ".join(contents(memories))
    assert all(f"Paragraph {number}." in joined for number in range(40))


def test_a_long_prompt_stays_whole(tmp_path: Path) -> None:
    prompt = "why this error? " + "x" * 50_000
    session = Session()
    session.user(prompt)
    session.assistant("Because.")
    session.write(tmp_path)

    assert contents(read(tmp_path)) == [prompt, "Because."]


def test_nothing_of_an_overlong_prompt_is_lost(tmp_path: Path) -> None:
    session = Session()
    session.user("y" * 250_000)
    session.write(tmp_path)

    assert "".join(contents(read(tmp_path))) == "y" * 250_000


def test_sessions_of_one_repository_are_one_project(tmp_path: Path) -> None:
    root = "/Users/ann/src/shop"
    folders = [root, f"{root}/web/app", f"{root}/.claude/worktrees/1", f"{root}/.worktrees/fix-2"]
    for number, folder in enumerate(folders):
        session = Session(f"s{number}", cwd=folder, started=number)
        session.user(f"prompt {number}")
        session.assistant(tool("Edit", "t", file_path=f"{folder}/main.py"))
        session.write(tmp_path)

    memories = read(tmp_path)

    assert {memory.project_name for memory in memories} == {"shop"}
    paths = [memory.metadata["filePaths"] for memory in memories]
    assert paths == [["main.py"], ["web/app/main.py"], ["main.py"], ["main.py"]]


def test_compressed_sessions_and_single_files_are_read(tmp_path: Path) -> None:
    session = Session()
    session.user("hello")
    plain = session.write(tmp_path)
    packed = tmp_path / "packed.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))

    assert contents(read(packed)) == ["hello"]
    assert contents(read(plain)) == ["hello"]
    assert contents(read(tmp_path)) == ["hello"]


def test_a_line_of_several_megabytes_is_read(tmp_path: Path) -> None:
    session = Session()
    session.user("big one")
    session.assistant(tool("Bash", "t1"))
    session.result("t1", "x" * 5_000_000)
    session.assistant("ok")
    session.write(tmp_path)

    assert contents(read(tmp_path)) == ["big one\n\nok"]


def test_a_cycle_of_links_ends(tmp_path: Path) -> None:
    session = Session()
    session.user("hello")
    session.write(tmp_path / "project")
    (tmp_path / "project" / "again").symlink_to(tmp_path, target_is_directory=True)

    assert contents(read(tmp_path)) == ["hello"]


def test_the_first_memory_comes_before_the_file_is_read_to_its_end(tmp_path: Path) -> None:
    session = Session()
    for number in range(200):
        session.user(f"prompt {number}")
        session.assistant("x" * 10_000)
    path = session.write(tmp_path)
    report = ImportReport()

    next(iter(read_claude_code(tmp_path, report)))

    assert report.bytes_read < path.stat().st_size / 2
