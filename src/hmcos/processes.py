"""Run functions and programs in a child process that has limits and never outlives its parent.

The parent holds the only writing end of the child's standard input. It sends the request through it and then
nothing more, while a thread of the child keeps reading. When the parent ends, for any reason, the system
closes the pipe, so the read returns and the child ends as well. This works on every platform.
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
from hmcos.registry import imported

_START = """
import json, sys
sys.path[:] = json.loads(sys.argv[2])["path"]
from hmcos.processes import main

from hmcos.log import Log
main()
"""
"""The program of a child. It has its parent's import path; -P keeps the current folder from being added."""
SIGNALLED = 128
"""Added to the number of the signal that ended a program, this is its exit code, as in a shell."""
_STEP = 0.2
"""Seconds between two checks of a child."""
_GRACE = 5.0
"""Seconds for a child to end by itself after the pipe is closed."""
_OUT_OF_MEMORY = (
    "MemoryError",
    "bad_alloc",
    "annot allocate memory",
    "Memory allocation still failed",
    "failed to map segment",
)
"""Messages of Python, C++, the system, OpenBLAS and the loader when memory runs out."""
_SET_PDEATHSIG = 1
"""The number of the option PR_SET_PDEATHSIG of prctl(2)."""


_LOG = Log("hmcos.processes")


@dataclass(frozen=True, slots=True)
class Allowance:
    """The limits of a process."""

    seconds: int = 600
    """Seconds of processor time."""
    memory: int = 16 << 30
    """Bytes of address space; runtimes reserve a few GiB that they never touch."""


AMPLE = Allowance()


@dataclass(frozen=True, slots=True)
class Ended:
    """The outcome of a child process that has ended."""

    code: int | None
    """Exit code; a negative one is the signal that ended it; None if it did not end within `waited`."""
    answer: bytes
    """The answer, as far as it was sent."""
    log: str
    """Everything that it printed."""
    allowance: Allowance | None
    """Its limits, which may be lower than requested; None if it had none."""
    waited: float
    """The most seconds that the parent waited."""
    unlimited: tuple[str, ...] = ()
    """The limits that the system does not support: memory, processor time."""

    @property
    def exhausted(self) -> bool:
        """Whether it ended because it reached a limit."""
        timed_out = self.code is None or self.code == -_signal("SIGXCPU")
        return timed_out or bool(self.code and says_out_of_memory(self.log))

    @property
    def failure(self) -> str:
        """Why there is no answer, as words to follow the name of what ran; empty if there is one."""
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
        """The last line that it printed, shortened."""
        lines = self.log.strip().splitlines()
        return lines[-1][:200] if lines else "no word"


def says_out_of_memory(log: str) -> bool:
    """Return whether what a process printed says that its memory ran out."""
    return any(words in log for words in _OUT_OF_MEMORY)


def run(
    call: str,
    request: bytes,
    allowance: Allowance | None = AMPLE,
    *,
    waits: float | None = None,
    waiting: Callable[[], object] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Call a function in a child process and return the outcome.

    Args:
        call: module:function; it takes the request and returns the answer, both bytes.
        request: the argument of the function.
        allowance: the limits of the child; lower limits of this process apply to it, too.
        waits: seconds after which the child is stopped; by default twice those of the allowance.
        waiting: a function to call five times a second while waiting.
        environment: the environment variables of the child; by default those of this process.
    """
    limits = None if allowance is None else within_own(allowance)
    if waits is None:
        waits = 2 * (limits or AMPLE).seconds + 10
    begun = perf_counter()
    process, lifeline = _started(call, len(request), limits, environment)
    try:
        with suppress(BrokenPipeError):  # the child has ended already, and its log says why
            lifeline.write(request)
            lifeline.flush()
        output = _output(process, waits, waiting)
    finally:
        _stop(process, lifeline)
    in_time, answer, log = output
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
    process = begin(_START, call, json.dumps(asked), environment=environment)
    lifeline, process.stdin = process.stdin, None
    assert lifeline is not None
    return process, lifeline


def begin(
    program: str, *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Return a child that runs a program of Python, with pipes to its standard streams.

    SIGINT is blocked there until `descriptor_of_answers` handles it: a Ctrl-C that came earlier would end the
    child with a traceback.
    """
    blocked = _block("SIG_BLOCK")
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-c", program, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )
    finally:
        if not blocked:
            _block("SIG_UNBLOCK")


def _block(how: str) -> bool:
    """Block or unblock SIGINT for this thread, where that is possible; return whether it was blocked."""
    if sys.platform == "win32":
        return False
    return signal.SIGINT in signal.pthread_sigmask(getattr(signal, how), {signal.SIGINT})


def run_program(
    command: Sequence[str], text: bytes, *, waits: float, waiting: Callable[[], object] | None = None
) -> Ended:
    """Run a program with a text on its standard input, watched by a child process; return the outcome.

    If a signal ends the program, the exit code is `SIGNALLED` plus the number of the signal.
    """
    request = json.dumps(list(command)).encode() + b"\n" + text
    return run("hmcos.processes:program", request, None, waits=waits, waiting=waiting)


def _output(
    process: subprocess.Popen[bytes], waits: float, waiting: Callable[[], object] | None
) -> tuple[bool, bytes, bytes]:
    """Wait for a process; return whether it ended in time, its answer and its log so far."""
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
    """Stop a process together with the processes that it started."""
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
    """Return an allowance, with each limit lowered to that of this process."""
    resource = _resource()
    if resource is None:
        return allowance
    infinite = resource.RLIM_INFINITY
    memory = [limit for limit in resource.getrlimit(resource.RLIMIT_AS) if limit != infinite]
    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    seconds = [soft] if soft != infinite else []
    if hard != infinite:
        # One second below the hard limit: the child then gets SIGXCPU, which the parent recognizes.
        seconds.append(hard - 1)
    return Allowance(
        max(1, min(allowance.seconds, *seconds, sys.maxsize - 5)),
        min(allowance.memory, *memory, sys.maxsize),
    )


def has_limit_of_memory() -> bool:
    """Return whether the system limits the address space of this process, as after `ulimit -v`."""
    resource = _resource()
    return resource is not None and resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY


def set_limits(allowance: Allowance) -> list[str]:
    """Limit this process permanently, and return the names of limits that the system does not support."""
    resource = _resource()
    if resource is None:
        return ["memory", "processor time"]
    limits = (
        ("memory", "RLIMIT_AS", allowance.memory, allowance.memory),
        # At the soft limit the process gets SIGXCPU, which the parent recognizes.
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


def most_memory() -> int | None:
    """Return the most bytes of memory that this process had at once; None where the system does not say.

    Linux counts in `ru_maxrss` what a process had before it started its program: that of its parent.
    """
    with suppress(OSError, ValueError, StopIteration), open("/proc/self/status", encoding="ascii") as lines:  # noqa: PTH123 (Path reads it as a whole)
        return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmHWM:")))
    resource = _resource()
    if resource is None:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most) if sys.platform == "darwin" else 1024 * int(most)


def _resource() -> Any:
    """Return the module that sets limits; None on Windows, where there is none."""
    try:
        return import_module("resource")
    except ImportError:
        return None


def _signal(name: str) -> int:
    """Return the number of a signal; an unused number if the platform does not have the signal."""
    return int(getattr(signal, name, 1 << 16))


def main() -> None:
    """Answer one request in a child that `run` started."""
    call, asked = sys.argv[1], json.loads(sys.argv[2])
    answer = descriptor_of_answers()
    request = _read(asked["length"])
    if call != "hmcos.processes:program":
        die_with_parent()
        _watch(lambda: None)
    function = imported(call)
    missing = set_limits(Allowance(*asked["limits"])) if asked["limits"] else []
    _answer.append(answer)
    send(",".join(missing).encode() + b"\n")
    send(function(request))
    os.close(answer)


def descriptor_of_answers() -> int:
    """Begin as a child, and return the descriptor on which its parent waits for answers."""
    # Printed text goes to the log, not into the answers.
    answers = os.dup(1)
    os.dup2(2, 1)
    # Ctrl-C on the terminal reaches all processes; only the parent reacts to it.
    signal.signal(signal.SIGINT, _take_no_note)
    _block("SIG_UNBLOCK")
    return answers


_answer: list[int] = []
"""In a child, the descriptor that its answer goes to."""


def send(part: bytes) -> None:
    """Send a part of the answer at once, from a function that `run` calls; it arrives even after a crash."""
    send_to(_answer[0], part)


def send_to(descriptor: int, content: bytes) -> None:
    """Write all of a content to a pipe, which may take it in parts."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _take_no_note(number: int, frame: object) -> None:
    """Handle a signal without any effect; unlike an ignored one, programs started here get the default."""


def program(request: bytes) -> bytes:
    """Run a program and return its output, or exit with its code; the program ends with the parent."""
    command, _, text = request.partition(b"\n")
    process = subprocess.Popen(
        json.loads(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # Safe: this process has no other thread yet.
        preexec_fn=die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
    )
    _watch(process.kill)
    output, _ = process.communicate(text)
    if process.returncode:
        sys.exit(process.returncode if process.returncode > 0 else SIGNALLED - process.returncode)
    return output


def _read(length: int) -> bytes:
    """Read a number of bytes from standard input; unbuffered, since a thread reads on from there."""
    parts: list[bytes] = []
    while length:
        part = os.read(0, min(length, 1 << 20))
        if not part:
            sys.exit("the process that asked is gone")
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _watch(end: Callable[[], None]) -> None:
    """Call `end` and end this process when the pipe from the parent is closed."""

    def wait() -> None:
        while os.read(0, 1 << 16):
            pass
        end()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def die_with_parent() -> None:
    """Let Linux end this process with its parent, even if native code blocks the watching thread."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_SET_PDEATHSIG, int(signal.SIGKILL))
