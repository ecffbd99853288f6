"""Work in a process of its own: it has limits, and it ends when the process that waits for it is gone.

The parent holds the only writing end of the child's standard input. First the request goes through it; then
nothing more, and a thread of the child reads on. The system closes the pipe when the parent ends, however it
ends, so the read returns and the child ends as well. This works on every platform.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from time import perf_counter
from typing import IO, Any

from hmcos.log import Log

_START = """
import json, sys
sys.path[:] = json.loads(sys.argv[2])["path"]
from hmcos.processes import main

from hmcos.log import Log
main()
"""
"""What a child runs: it imports from where its parent does, never (-P) from the current folder by itself."""
SIGNALLED = 128
"""What a program's exit code is above when a signal ended it, as in a shell: this and the signal's number."""
_STEP = 0.2
"""Seconds between two looks at a child."""
_GRACE = 5.0
"""Seconds that a child has to end by itself once the pipe is closed."""
_OUT_OF_MEMORY = ("MemoryError", "bad_alloc", "annot allocate memory", "failed to map segment")
"""What Python, C++, the system and its loader say when there is no memory left."""
_SET_PDEATHSIG = 1
"""The number of this option of prctl(2)."""


_LOG = Log("hmcos.processes")


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a process may take."""

    seconds: int = 600
    """Of processor time."""
    memory: int = 16 << 30
    """Bytes of address space; runtimes reserve a few GiB that they never touch."""


AMPLE = Allowance()


@dataclass(frozen=True, slots=True)
class Ended:
    """What a child process left behind."""

    code: int | None
    """Exit code; below 0 the signal that ended it; None if it took longer than it was waited for."""
    answer: bytes
    """As much of it as was sent."""
    log: str
    """All that it printed."""
    allowance: Allowance | None
    """The limits that it had, perhaps lower than was asked for; None for none."""
    waited: float
    """Seconds that it was waited for at most."""
    unlimited: tuple[str, ...] = ()
    """What the system has no limit for: memory, processor time."""

    @property
    def exhausted(self) -> bool:
        """Whether it ended since it reached a limit."""
        timed_out = self.code is None or self.code == -_signal("SIGXCPU")
        return timed_out or bool(self.code and any(words in self.log for words in _OUT_OF_MEMORY))

    @property
    def failure(self) -> str:
        """Why there is no answer, to be put behind the name of what ran; empty if there is one."""
        if self.code == 0:
            return ""
        if self.code is None:
            return f"did not end within {self.waited:g} seconds"
        if self.allowance is not None and self.exhausted:
            if self.code == -_signal("SIGXCPU"):
                return f"took more than {self.allowance.seconds} seconds of processor time"
            return f"needed more than {self.allowance.memory:,} bytes of memory"
        if self.code < 0:
            return f"was ended by signal {-self.code}: {self.last_words}"
        return f"failed: {self.last_words}"

    @property
    def last_words(self) -> str:
        """The last line that it printed, cut."""
        lines = self.log.strip().splitlines()
        return lines[-1][:200] if lines else "no word"


def run(
    call: str,
    request: bytes,
    allowance: Allowance | None = AMPLE,
    *,
    waits: float | None = None,
    waiting: Callable[[], object] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Return what became of a function that was called in a process of its own.

    Args:
        call: module:function; it takes the request and returns the answer, both bytes.
        request: what it is given.
        allowance: its limits; where this process has lower ones itself, the child has those.
        waits: seconds after which it is ended; by default twice those of the allowance.
        waiting: is called five times a second until then.
        environment: the child's variables; by default those of this process.
    """
    limits = None if allowance is None else within_own(allowance)
    if waits is None:
        waits = 2 * (limits or AMPLE).seconds + 10
    begun = perf_counter()
    process, lifeline = _started(call, len(request), limits, environment)
    try:
        with suppress(BrokenPipeError):  # it ended already, and its log says why
            lifeline.write(request)
            lifeline.flush()
        found = _output(process, waits, waiting)
    finally:
        _stop(process, lifeline)
    in_time, answer, log = found
    code = process.returncode if in_time else None
    ending = "was stopped" if code is None else f"ended with {code}"
    _LOG.info("child process for %s %s after %.3f s", call, ending, perf_counter() - begun)
    missing, _, answer = answer.partition(b"\n")
    unlimited = tuple(missing.decode().split(",")) if missing else ()
    return Ended(code, answer, log.decode(errors="replace"), limits, waits, unlimited)


def _started(
    call: str, length: int, limits: Allowance | None, environment: Mapping[str, str] | None
) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    """Return a child that waits for a request of so many bytes, and the pipe that keeps it alive."""
    asked = {
        "path": list(map(str, sys.path)),
        "length": length,
        "limits": limits and [limits.seconds, limits.memory],
    }
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _START, call, json.dumps(asked)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    lifeline, process.stdin = process.stdin, None
    assert lifeline is not None
    return process, lifeline


def run_program(
    command: Sequence[str], text: bytes, *, waits: float, waiting: Callable[[], object] | None = None
) -> Ended:
    """Return what a program made of a text on its standard input; a child of ours watches over it.

    The exit code of a program that a signal ended is `SIGNALLED` and the signal's number.
    """
    request = json.dumps(list(command)).encode() + b"\n" + text
    return run("hmcos.processes:program", request, None, waits=waits, waiting=waiting)


def _output(
    process: subprocess.Popen[bytes], waits: float, waiting: Callable[[], object] | None
) -> tuple[bool, bytes, bytes]:
    """Return whether a process ends while it is waited for, and what it writes until then."""
    end = time.perf_counter() + waits
    while True:
        left = end - time.perf_counter()
        try:
            return True, *process.communicate(timeout=max(0.0, min(_STEP, left)))
        except subprocess.TimeoutExpired as error:
            if left <= 0:
                return False, error.stdout or b"", error.stderr or b""
            if waiting is not None:
                waiting()


def _stop(process: subprocess.Popen[bytes], lifeline: IO[bytes]) -> None:
    """Have a process ended, and what it started with it."""
    with suppress(OSError):
        lifeline.close()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def within_own(allowance: Allowance) -> Allowance:
    """Return the smaller, each, of an allowance and of the limits that this process has itself."""
    resource = _resource()
    if resource is None:
        return allowance
    infinite = resource.RLIM_INFINITY
    memory = [limit for limit in resource.getrlimit(resource.RLIMIT_AS) if limit != infinite]
    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    seconds = [soft] if soft != infinite else []
    if hard != infinite:
        # A second is left in which the child is told by a signal that the parent can tell from others.
        seconds.append(hard - 1)
    return Allowance(
        max(1, min(allowance.seconds, *seconds, sys.maxsize - 5)),
        min(allowance.memory, *memory, sys.maxsize),
    )


def set_limits(allowance: Allowance) -> list[str]:
    """Limit this process, for good, and return what the system has no limit for."""
    resource = _resource()
    if resource is None:
        return ["memory", "processor time"]
    limits = (
        ("memory", "RLIMIT_AS", allowance.memory, allowance.memory),
        # At the first of the two it is told so by a signal, which the parent reads.
        ("processor time", "RLIMIT_CPU", allowance.seconds, allowance.seconds + 5),
        ("", "RLIMIT_CORE", 0, 0),
    )
    missing: list[str] = []
    for name, kind, low, high in limits:
        try:
            number = getattr(resource, kind)
            most = resource.getrlimit(number)[1]
            top = high if most == resource.RLIM_INFINITY else min(high, most)
            resource.setrlimit(number, (min(low, top), top))
        except (AttributeError, OSError, ValueError):
            missing.append(name)
    return [name for name in missing if name]


def _resource() -> Any:
    """Return the module that sets limits; None on Windows, where there is none."""
    try:
        return import_module("resource")
    except ImportError:
        return None


def _signal(name: str) -> int:
    """Return the number of a signal; one that nothing has where the platform does not know it."""
    return int(getattr(signal, name, 1 << 16))


def main() -> None:
    """Answer one request in a child that `run` started."""
    call, asked = sys.argv[1], json.loads(sys.argv[2])
    # What is printed must not get into the answer: it goes to the log.
    answer = os.dup(1)
    os.dup2(2, 1)
    # A Ctrl-C on the terminal reaches all its processes; the parent decides what it means.
    signal.signal(signal.SIGINT, _take_no_note)
    request = _read(asked["length"])
    if call != "hmcos.processes:program":
        _die_with_parent()
        _watch(lambda: None)
    module, _, name = call.partition(":")
    function = getattr(import_module(module), name)
    missing = set_limits(Allowance(*asked["limits"])) if asked["limits"] else []
    _answer.append(answer)
    send(",".join(missing).encode() + b"\n")
    send(function(request))
    os.close(answer)


_answer: list[int] = []
"""In a child, the descriptor that its answer goes to."""


def send(part: bytes) -> None:
    """Send a part of the answer at once, in a function that `run` calls: it arrives whatever happens next."""
    while part:
        part = part[os.write(_answer[0], part) :]


def _take_no_note(number: int, frame: object) -> None:
    """Do nothing. Unlike one that is ignored, a signal so handled is as ever in a program started here."""


def program(request: bytes) -> bytes:
    """Return what the program makes of its text, or end as it does; it ends with the parent."""
    command, _, text = request.partition(b"\n")
    process = subprocess.Popen(
        json.loads(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # No other thread of this process runs yet.
        preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
    )
    _watch(process.kill)
    found, _ = process.communicate(text)
    if process.returncode:
        sys.exit(process.returncode if process.returncode > 0 else SIGNALLED - process.returncode)
    return found


def _read(length: int) -> bytes:
    """Return so many bytes of standard input; unbuffered, since a thread goes on reading there."""
    parts: list[bytes] = []
    while length:
        part = os.read(0, min(length, 1 << 20))
        if not part:
            sys.exit("the process that asked is gone")
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _watch(end: Callable[[], None]) -> None:
    """End this process, after a last call, when the pipe from the parent is closed."""

    def wait() -> None:
        while os.read(0, 1 << 16):
            pass
        end()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _die_with_parent() -> None:
    """Have Linux end this process with its parent, also while native code keeps the thread from running."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_SET_PDEATHSIG, int(signal.SIGKILL))
