"""What one record of a Claude Code transcript means, with its types checked. Pure.

There is no official schema; the rules come from reading real sessions of versions 2.0 to 2.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pydantic import JsonValue

from shared.domain.clean_text import clean_text, describe_unstorable
from shared.domain.linear_regex import compile_linear
from shared.sources.command_paths import find_command_paths

Object = dict[str, JsonValue]

# Text in `user` records that the program wrote, not the person. What is on no list is human:
# a stray notice does less harm than a lost prompt.
_WRITTEN_BY_PROGRAM: Final = (
    ("<command-", "commands"),
    ("<local-command", "commands"),
    ("<bash-", "shell commands"),
    ("<task-notification>", "task notifications"),
    ("[Request interrupted", "interruptions"),
)
# Linear, because a transcript holds whatever a tool printed.
_COMMAND = compile_linear(r"<command-name>\s*([^\s<]+)\s*</command-name>")
_REMINDER = compile_linear(r"(?s)<system-reminder>.*?</system-reminder>\s*")
# Go, Python, JavaScript, TAP, Rust and Java, where their runners and runtimes start a line.
_FAILURE = compile_linear(
    r"(?m)^[ \t]*--- FAIL: |^FAIL(?:\s|$)|^FAILED(?:\W|$)|\bFAILED \("
    r"|^=+ .*\b\d+ (?:failed|error)|^\s*Tests?:?\s+.*\b\d+ failed|^not ok \d|^[ \t]*[×✕] "
    r"|^test result: FAILED|^thread '.*' panicked|^panic: |^goroutine \d+ \[|^Exception in thread "
    r"|^Traceback \(most recent call last\)|^[ \t]+at .+\(.+:\d+(?::\d+)?\)$"
)
_READING_TOOLS: Final = frozenset(
    {"Read", "Grep", "Glob", "LS", "Edit", "Write", "MultiEdit", "NotebookEdit", "WebFetch"}
)
_EDITING_TOOLS: Final = frozenset({"Edit", "Write", "MultiEdit", "NotebookEdit"})


class WrongTypeError(ValueError):
    """A field of a record has a type that no version writes; `field` is its path."""

    def __init__(self, field: str, expected: str, value: JsonValue) -> None:
        super().__init__(f"expected {expected}, got {type(value).__name__}")
        self.field = field


@dataclass(frozen=True, slots=True)
class Prompt:
    """Something that opens a turn."""

    text: str
    command: str | None = None


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One call of a tool by the assistant."""

    id: str
    name: str
    path: str | None
    edits: bool
    command_paths: tuple[str, ...] = ()
    """Files that a shell command names."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answered: whether it failed by its own account, and by its text."""

    tool_use_id: str
    is_error: bool
    text: str


def get_text(record: Object, name: str) -> str:
    """Return a text field, storable; empty when it is missing.

    Raises:
        WrongTypeError: the field holds something else.
    """
    value = record.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise WrongTypeError(name, "text", value)
    return clean_text(value)


def get_time(record: Object) -> datetime | None:
    """Return when the record was written, in UTC; None when that is missing.

    Raises:
        WrongTypeError: the timestamp is no text or no time.
    """
    written = record.get("timestamp")
    if written is None:
        return None
    try:
        time = datetime.fromisoformat(str(written) if isinstance(written, str) else "")
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise WrongTypeError("timestamp", "ISO 8601 time", written) from error


def get_blocks(record: Object) -> list[Object]:
    """Return the message's content as blocks; a plain string is one text block.

    Raises:
        WrongTypeError: the message or its content has another shape.
    """
    message = record.get("message")
    if not isinstance(message, dict):
        raise WrongTypeError("message", "object", message)
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list):
        raise WrongTypeError("message.content", "text or list", content)
    return [_block(block, index) for index, block in enumerate(content)]


def _block(block: JsonValue, index: int) -> Object:
    if not isinstance(block, dict):
        raise WrongTypeError(f"message.content[{index}]", "object", block)
    if block.get("type") == "text" and not isinstance(block.get("text"), str):
        raise WrongTypeError(f"message.content[{index}].text", "text", block.get("text"))
    return block


def joined_text(blocks: list[Object]) -> str:
    """Return the text of the text blocks, as it was written."""
    return "\n".join(str(block["text"]) for block in blocks if block.get("type") == "text")


def unfold_queued_prompt(record: Object) -> Object:
    """Return the user record that a prompt typed while the assistant worked stands for.

    Newer versions (2.1.150 and up) write such a prompt as an attachment only. `source_uuid` is the
    id of the user record where there is one, too. Other records come back as they are.
    """
    queued = record.get("attachment")
    if record.get("type") != "attachment" or not isinstance(queued, dict):
        return record
    origin = queued.get("origin")
    by_program = isinstance(origin, dict) and origin.get("kind") != "human"
    if queued.get("type") != "queued_command" or queued.get("isMeta") is True or by_program:
        return record
    if queued.get("commandMode", "prompt") != "prompt":
        return record
    uuid = queued.get("source_uuid") or record.get("uuid")
    user: Object = {"type": "user", "uuid": uuid, "message": {"content": queued.get("prompt")}}
    return record | user


def describe_repairs(blocks: list[Object]) -> str | None:
    """Return what has to be replaced in a record's text before it can be stored, if anything."""
    return describe_unstorable(joined_text(blocks))


def classify_user(record: Object, blocks: list[Object]) -> Prompt | str:
    """Return the prompt that opens a turn, or the kind of record that is none."""
    if any(block.get("type") == "tool_result" for block in blocks):
        return "tool results"
    if record.get("isMeta") is True:
        return "meta"
    if record.get("isCompactSummary") is True:
        return "compact summaries"
    text = clean_text(joined_text(blocks)).strip()
    kind = next((kind for start, kind in _WRITTEN_BY_PROGRAM if text.startswith(start)), None)
    if kind is not None:
        command = _COMMAND.search(text)
        return Prompt("", text[slice(*command.span(1))]) if command else kind
    prompt = _without_reminders(text).strip()
    if prompt or any(block.get("type") == "image" for block in blocks):
        return Prompt(prompt or "[image]")
    return "system reminders" if text else "prompts without text"


def _without_reminders(text: str) -> str:
    kept: list[str] = []
    end = 0
    for match in _REMINDER.finditer(text):
        start, stop = match.span()
        kept.append(text[end:start])
        end = stop
    return "".join((*kept, text[end:]))


def read_tool_uses(blocks: list[Object]) -> Iterator[ToolUse]:
    """Yield the calls of tools in an assistant's blocks."""
    for block in blocks:
        if block.get("type") == "tool_use":
            name = get_text(block, "name") or "unknown"
            edits, named = name in _EDITING_TOOLS, _command_paths(block)
            yield ToolUse(get_text(block, "id"), name, _path(block), edits, named)


def _path(block: Object) -> str | None:
    given = block.get("input")
    if not isinstance(given, dict):
        return None
    path = given.get("file_path") or given.get("notebook_path") or given.get("path")
    if not isinstance(path, str) or not path.strip():
        return None
    # Grep and Glob take folders too; those say little and would crowd out the files.
    is_file = "file_path" in given or "." in path.rpartition("/")[2].strip(".")
    return clean_text(path) if is_file else None


def _command_paths(block: Object) -> tuple[str, ...]:
    given = block.get("input")
    command = given.get("command") if isinstance(given, dict) else None
    return tuple(find_command_paths(clean_text(command))) if isinstance(command, str) else ()


def read_tool_results(blocks: list[Object]) -> Iterator[ToolResult]:
    """Yield the answers of tools in a user record's blocks."""
    for block in blocks:
        if block.get("type") == "tool_result":
            is_error = block.get("is_error") is True
            yield ToolResult(get_text(block, "tool_use_id"), is_error, _result_text(block))


def _result_text(block: Object) -> str:
    content = block.get("content")
    if not isinstance(content, list):
        return content if isinstance(content, str) else ""
    texts = (part.get("text") for part in content if isinstance(part, dict))
    return "\n".join(text for text in texts if isinstance(text, str))


def is_failing_output(tool: str | None, text: str) -> bool:
    """Return whether a program that a tool ran showed a failing test or a stack trace."""
    return tool not in _READING_TOOLS and _FAILURE.search(clean_text(text)) is not None
