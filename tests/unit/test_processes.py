"""Work in a process of its own: what comes back, what it may take, and that it never outlives its parent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hmcos.processes import (
    AMPLE,
    SIGNALLED,
    Allowance,
    Ended,
    begin,
    run,
    run_program,
    set_limits,
    within_own,
)

resource = pytest.importorskip("resource", reason="this system has no limits for processes")

PARENT = """
import json, signal, sys
sys.path[:] = json.loads(sys.argv[1])
# Whoever runs the tests in the background may have it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
from hmcos.processes import AMPLE, SIGNALLED, Allowance, Ended, run, run_program, set_limits, within_own
if sys.argv[2] == "program":
    run_program([sys.executable, "-c", sys.argv[4], sys.argv[3]], b"", waits=3600)
else:
    run(f"unit.calls:{sys.argv[2]}", sys.argv[3].encode())
"""
PROGRAM = """
import os, sys, time
os.write(os.open(sys.argv[1], os.O_WRONLY), b".")
time.sleep(3600)
"""


def call(name: str, request: bytes = b"abc", allowance: Allowance = AMPLE) -> Ended:
    return run(f"unit.calls:{name}", request, allowance)


def test_the_answer_is_apart_from_what_is_printed() -> None:
    found = call("backwards")
    assert (found.code, found.answer, found.failure, found.unlimited) == (0, b"cba", "", ())
    assert "this is not the answer" in found.log and "nor is this" in found.log


@pytest.mark.parametrize("size", [0, 1, 1 << 16, 10 << 20])
def test_requests_of_any_size(size: int) -> None:
    request = b"ab" * (size // 2) + b"c" * (size % 2)
    assert call("backwards", request).answer == request[::-1]
    assert call("nothing", request).answer == b""


def test_why_there_is_no_answer() -> None:
    found = call("refusing")
    assert (found.code, found.exhausted) == (1, False)
    assert found.failure == "failed: ValueError: cannot take b'abc'"
    found = call("killed", b"x" * (1 << 20))
    assert (found.code, found.exhausted) == (-signal.SIGKILL, False)
    assert found.failure.startswith("was ended by signal 9")
    found = call("missing")
    assert "AttributeError" in found.failure
    found = run("unit.calls:sleeping", b"/dev/null", waits=0.5)
    assert (found.code, found.exhausted) == (None, True)
    assert found.failure == "did not end within 0.5 seconds"


def test_what_was_sent_arrives_however_the_child_ends() -> None:
    assert call("answered_in_parts").answer == b"abc"
    assert call("half_answered_and_killed").answer == b"ab"
    for waits in (1.0, 4.0, 16.0, 64.0):  # until the machine is fast enough for the child to begin
        found = run("unit.calls:half_answered_and_asleep", b"abc", waits=waits)
        assert found.code is None
        if found.answer:
            break
    assert found.answer == b"ab"


@pytest.mark.slow
def test_limits_hold_and_are_named() -> None:
    found = run("unit.calls:busy", b"", Allowance(seconds=1), waits=3600)
    assert found.exhausted and found.failure == "took more than 1 seconds of processor time"
    found = call("greedy", allowance=Allowance(memory=1 << 32))
    assert found.exhausted and found.failure == "needed more than 4,294,967,296 bytes of memory"


def test_the_most_memory_that_a_child_had() -> None:
    small, large = (int(call("holding", str(size).encode()).answer) for size in (0, 64 << 20))
    assert (63 << 20) <= large - small < (80 << 20)  # a few pages of the start are free by then


def test_a_child_that_sleeps_is_waited_for_longer_than_it_may_work() -> None:
    assert run("unit.calls:has_limits", b"", Allowance(seconds=3)).waited == 16.0


def test_the_terminal_interrupts_the_parent_only() -> None:
    assert call("interrupted").answer == b"abc"


def test_a_child_imports_from_where_its_parent_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pickle.py").write_text("raise SystemExit('of the current folder')")
    monkeypatch.chdir(tmp_path)
    assert call("path").answer.decode().split("\n") == sys.path


def test_whoever_waits_is_called() -> None:
    calls: list[int] = []
    run("unit.calls:sleeping", b"/dev/null", waits=1.0, waiting=lambda: calls.append(0))
    assert calls


def test_the_smaller_of_both_limits_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {resource.RLIMIT_AS: (2 << 30, 3 << 30), resource.RLIMIT_CPU: (50, 50)}
    monkeypatch.setattr(resource, "getrlimit", own.__getitem__)
    assert within_own(Allowance(600, 16 << 30)) == Allowance(49, 2 << 30)
    assert within_own(Allowance(10, 1 << 30)) == Allowance(10, 1 << 30)
    free = resource.RLIM_INFINITY
    own |= {resource.RLIMIT_AS: (free, free), resource.RLIMIT_CPU: (free, free)}
    assert within_own(Allowance(600, 16 << 30)) == Allowance(600, 16 << 30)
    assert within_own(Allowance(10**30, 10**30)).memory == sys.maxsize
    own |= {resource.RLIMIT_CPU: (0, 0)}
    assert within_own(Allowance(600, 1)) == Allowance(1, 1)


def test_a_child_of_a_limited_process() -> None:
    """What was: not allowed to raise maximum limit."""
    text = f"""
import resource, sys
sys.path[:] = {sys.path!r}
from hmcos.processes import AMPLE, SIGNALLED, Allowance, Ended, run, run_program, set_limits, within_own
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 8 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (250, 300))
print(run("unit.calls:has_limits", b"").answer.decode())
"""
    ended = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == repr([(6 << 30, 6 << 30), (250, 255)])


def test_a_system_without_limits_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "resource.py").write_text("raise ImportError('not on this platform')")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    found = call("backwards", allowance=Allowance(5, 1 << 20))
    assert (found.answer, found.unlimited) == (b"cba", ("memory", "processor time"))
    monkeypatch.setitem(sys.modules, "resource", None)
    assert set_limits(Allowance()) == ["memory", "processor time"]
    assert within_own(Allowance(1, 2)) == Allowance(1, 2)


def test_a_limit_that_the_system_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(kind: int, limits: tuple[int, int]) -> None:
        if kind == resource.RLIMIT_AS:
            raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert set_limits(Allowance()) == ["memory"]


def test_programs() -> None:
    python = sys.executable
    found = run_program([python, "-c", "print(input()[::-1])"], b"abc", waits=600)
    assert (found.code, found.answer.strip()) == (0, b"cba")
    found = run_program([python, "-c", "import sys; sys.exit('no')"], b"", waits=600)
    assert (found.code, found.log.strip()) == (1, "no")
    found = run_program([python, "-c", "import os; os.kill(os.getpid(), 9)"], b"", waits=600)
    assert found.code == SIGNALLED + 9
    assert run_program([python, "-c", PROGRAM, "/dev/null"], b"", waits=0.5).code is None


@contextmanager
def parent_of(work: str, folder: Path) -> Generator[tuple[subprocess.Popen[bytes], int]]:
    """Start a process whose child runs, and give it with a descriptor that ends when the child does."""
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    paths = repr(sys.path).replace("'", '"')
    parent = subprocess.Popen([sys.executable, "-c", PARENT, paths, work, str(pipe), PROGRAM])
    try:
        with pipe.open("rb", buffering=0) as end:  # waits until the child opens it
            assert end.read(1) == b"."
            yield parent, end.fileno()
    finally:
        parent.kill()
        parent.wait()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("work", ["sleeping", "program"])
def test_a_child_ends_with_its_parent(work: str, number: signal.Signals, tmp_path: Path) -> None:
    with parent_of(work, tmp_path) as (parent, end):
        parent.send_signal(number)
        assert parent.wait() == -number
        assert os.read(end, 1) == b""  # waits until nobody has it open any more


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the child ends when native code returns")
def test_a_child_in_native_code_ends_with_its_parent(tmp_path: Path) -> None:
    with parent_of("deaf", tmp_path) as (parent, end):
        parent.kill()
        assert os.read(end, 1) == b""


def test_a_child_that_was_waited_for_long_enough_ends(tmp_path: Path) -> None:
    """A program too, though it is no child of ours: the pipe that it kept open ends."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert run_program([sys.executable, "-c", PROGRAM, str(pipe)], b"", waits=2.0).code is None
        os.set_blocking(end, True)
        assert os.read(end, 2) in (b".", b"") and os.read(end, 1) == b""
    finally:
        os.close(end)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="this system blocks no signals")
def test_a_ctrl_c_while_it_starts_does_not_end_it() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    process = begin(
        "import json, os, signal, sys; os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.path[:] = json.loads(sys.argv[1])\n"
        "from hmcos.processes import descriptor_of_answers\n"
        "os.write(descriptor_of_answers(), b'lives')\n"
        "print(signal.pthread_sigmask(signal.SIG_BLOCK, ()), file=sys.stderr)",
        json.dumps(sys.path),
    )
    assert process.communicate() == (b"lives", b"set()\n")
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
