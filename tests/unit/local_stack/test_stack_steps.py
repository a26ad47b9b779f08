"""Steps of a start that run at the same time, and the pauses between restarts."""

import signal
from threading import Event

import pytest

from cli.local import signals_as_interrupts
from cli.local_stack.neo4j_server import quote_argument
from cli.local_stack.side_by_side import StartCancelledError, run_side_by_side
from cli.local_stack.supervisor import pause_after


def test_the_steps_run_at_the_same_time() -> None:
    first, second = Event(), Event()

    def one() -> bool:
        first.set()
        return second.wait(30)

    def two() -> bool:
        second.set()
        return first.wait(30)

    assert run_side_by_side([one, two], Event())


def test_nothing_to_do_is_told_apart() -> None:
    assert not run_side_by_side([lambda: False, lambda: False], Event())


def test_the_first_failure_ends_the_other_steps() -> None:
    cancelled = Event()

    def fail() -> bool:
        raise RuntimeError("no port")

    def wait() -> bool:
        cancelled.wait(30)
        raise StartCancelledError("neo4j")

    with pytest.raises(RuntimeError, match="no port"):
        run_side_by_side([wait, fail], cancelled)


def test_the_pause_between_restarts_grows_up_to_half_a_minute() -> None:
    assert [pause_after(failures) for failures in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]


def test_a_folder_with_spaces_and_quotes_stays_one_java_argument() -> None:
    assert quote_argument('/a b/"c"\\d') == r'"/a b/\"c\"\\d"'


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_foreground_like_ctrl_c(number: signal.Signals) -> None:
    before = signal.getsignal(number)

    with pytest.raises(KeyboardInterrupt), signals_as_interrupts():
        signal.raise_signal(number)

    assert signal.getsignal(number) is before
