"""Child processes that answer many requests: what comes back, how they end, and that none is left."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hmcos import serving
from hmcos.processes import begin
from hmcos.serving import Child, ChildEndedError

PARENT = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from hmcos.serving import Child
child = Child("unit.calls:serving", b"")
print(child.ask(b"number").decode(), flush=True)
child.ask(b"sleep")
"""


@pytest.fixture
def child() -> Iterator[Child]:
    made = Child("unit.calls:serving", b"hello")
    yield made
    made.close()


def gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError:
        return True
    status = Path(f"/proc/{process}/status")
    return status.exists() and "State:\tZ" in status.read_text()


@pytest.mark.slow
def test_requests_are_answered_one_after_another(child: Child) -> None:
    for size in (0, 1, 1 << 16, 5 << 20):
        request = b"ab" * (size // 2)
        assert child.ask(request) == b"hello" + request[::-1]


@pytest.mark.slow
def test_what_a_child_prints_goes_to_standard_error(child: Child, capfd: pytest.CaptureFixture[str]) -> None:
    assert child.ask(b"print") == b"printed"
    child.close()
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "to standard output" in shown.err and "to the descriptor" in shown.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("request_", "words", "exhausted"),
    [
        (b"exit", "it ended with exit code 3: the last words", False),
        (b"kill", "signal 9 (SIGKILL) ended it", False),
        (b"raise", "it ended with exit code 1: ValueError: no", False),
        (b"abort", "std::bad_alloc", True),
    ],
)
def test_how_a_child_ended(child: Child, request_: bytes, words: str, exhausted: bool) -> None:
    with pytest.raises(ChildEndedError) as ended:
        child.ask(request_)
    assert words in str(ended.value)
    assert ended.value.exhausted is exhausted
    with pytest.raises(ChildEndedError):
        child.ask(b"more")


@pytest.mark.slow
def test_another_thread_may_stop_it(child: Child) -> None:
    threading.Timer(0.2, child.stop).start()
    with pytest.raises(ChildEndedError, match="signal 9"):
        child.ask(b"sleep")


@pytest.mark.slow
def test_it_has_the_limit_of_memory() -> None:
    pytest.importorskip("resource", reason="this system has no limits for processes")
    limited = Child("unit.calls:serving", b"", 1 << 31)
    assert limited.unlimited == ()
    assert limited.ask(b"memory") == str(1 << 31).encode()
    assert limited.ask(b"greedy") == b"MemoryError"
    limited.close()
    with pytest.raises(ChildEndedError):
        Child("unit.calls:serving", b"", 1 << 20)


@pytest.mark.slow
def test_standard_input_is_empty_for_what_runs_there(child: Child) -> None:
    assert child.ask(b"read") == b""
    assert child.ask(b"number").isdigit()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no forks")
@pytest.mark.parametrize("what", [b"leave a program", b"leave a copy"])
def test_its_end_is_noticed_while_processes_that_it_started_live(child: Child, what: bytes) -> None:
    asking = threading.Thread(target=_ended, args=(child, what, words := list[str]()), daemon=True)
    asking.start()
    asking.join(60)
    assert words, "the end was not noticed"
    left = int(words[0].rpartition(" ")[2])
    assert words[0].startswith("it ended with exit code 5: ")
    assert not gone(left)
    os.kill(left, signal.SIGKILL)


def _ended(child: Child, request: bytes, words: list[str]) -> None:
    with pytest.raises(ChildEndedError) as ended:
        child.ask(request)
    child.close()
    words.append(str(ended.value))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no forks")
def test_a_copy_of_it_answers_nothing(child: Child) -> None:
    copy = int(child.ask(b"go on twice"))
    number = int(child.ask(b"number"))
    assert child.ask(b"x") == b"hellox"
    assert number != copy
    end = time.monotonic() + 60
    while not gone(copy):
        assert time.monotonic() < end, "the copy lives on"
        time.sleep(0.02)


@pytest.mark.slow
def test_what_is_no_answer_ends_it(child: Child) -> None:
    with pytest.raises(ChildEndedError, match="something else was written where its answers go"):
        child.ask(b"write everywhere")


@pytest.mark.slow
def test_what_is_printed_without_an_end_is_passed_on_in_parts(
    child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Counting(io.StringIO):
        def write(self, text: str, /) -> int:
            lengths.append(len(text))
            return len(text)

    lengths: list[int] = []
    monkeypatch.setattr(sys, "stderr", Counting())
    assert child.ask(b"flood") == b"printed"
    child.close()
    assert sum(lengths) == 64 << 20
    assert max(lengths) <= 1 << 16


@pytest.mark.slow
def test_what_never_gets_ready_is_told_by_the_error_alone(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ChildEndedError, match="it ended with exit code 1: ValueError: not ready"):
        Child("unit.calls:unready", b"")
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_where_no_thread_can_start_no_process_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    def remembered(program: str, *arguments: str) -> subprocess.Popen[bytes]:
        made.append(begin(program, *arguments))
        return made[-1]

    made: list[subprocess.Popen[bytes]] = []
    monkeypatch.setattr(serving, "begin", remembered)
    monkeypatch.setattr(threading.Thread, "start", refused)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        Child("unit.calls:serving", b"hello")
    assert made[0].returncode is not None
    streams = made[0].stdin, made[0].stdout, made[0].stderr
    assert all(stream is not None and stream.closed for stream in streams)


@pytest.mark.slow
def test_it_ends_with_its_parent() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, json.dumps(sys.path)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    number = int(parent.stdout.readline())
    assert not gone(number)
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    end = time.monotonic() + 60
    while not gone(number):
        assert time.monotonic() < end, "the child outlives its parent"
        time.sleep(0.02)
