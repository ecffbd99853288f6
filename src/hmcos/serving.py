"""A child process that answers requests one after another and never outlives its parent.

`hmcos.processes.run` starts a process for each request, which takes a fifth of a second. A child here stays,
and its parent learns which request it was that ended it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections import deque
from contextlib import suppress
from functools import partial
from queue import SimpleQueue

from hmcos.log import Log
from hmcos.processes import (
    Allowance,
    begin,
    descriptor_of_answers,
    die_with_parent,
    says_out_of_memory,
    send_to,
    set_limits,
    within_own,
)
from hmcos.registry import imported

_LOG = Log("hmcos.serving")
_START = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])["path"]
from hmcos.serving import main
main()
"""
"""The program of a child. It has its parent's import path; -P keeps the current folder from being added."""
_LENGTH = 8
"""Bytes before each message that say how long it is."""
_LONGEST = 1 << 32
"""Most bytes of a message; a longer one is none."""
_LONGEST_LINE = 1 << 16
"""Most bytes of a line that are passed on together: a child may print without ever ending one."""
_GRACE = 1.0
"""Seconds to wait for the last words of a child that has ended. Processes that it started may outlive it, and
keep open what it printed to."""
_NO_LIMIT = sys.maxsize
_LAST_WORDS = 200
"""Most characters of what a child printed last that an error repeats."""


class ChildEndedError(Exception):
    """A child process that ended before it answered; the message says how."""

    @property
    def exhausted(self) -> bool:
        """Whether the last that it printed says that memory ran out."""
        return says_out_of_memory(str(self))


class Child:
    """A process that answers requests, one at a time; any thread may stop it."""

    def __init__(
        self, call: str, greeting: bytes, memory: int | None = None, *, is_quiet: bool = False
    ) -> None:
        """Start the process, and wait until it is ready.

        Args:
            call: module:function; it takes the greeting and returns what answers requests, bytes to bytes.
            greeting: what all requests have in common.
            memory: the most bytes of address space; None for those that this process itself may take.
            is_quiet: whether nobody sees what the process prints; errors still tell the last of it.

        Raises:
            ChildEndedError: it ended before it was ready.
        """
        limits = None if memory is None else within_own(Allowance(_NO_LIMIT, memory))
        asked = {
            "path": list(map(str, sys.path)),
            "call": call,
            "limits": limits and [limits.seconds, limits.memory],
        }
        self._process = begin(_START, json.dumps(asked))
        self._words: deque[str] = deque(maxlen=1)
        self._ready = threading.Event()
        self._is_quiet = is_quiet
        self._relay = threading.Thread(target=self._tell, daemon=True)
        try:
            self._relay.start()
            self.unlimited = tuple(filter(None, self.ask(greeting).decode().split(",")))
            """The limits that the system does not support: memory, processor time."""
        except BaseException:
            self.close()
            raise
        self._ready.set()
        _LOG.debug("child process %d is ready", self._process.pid)

    def ask(self, request: bytes) -> bytes:
        """Return the answer to a request.

        Raises:
            ChildEndedError: the process ended before it answered: it was stopped, or crashed, or what it
                wrote is no answer.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(OSError):  # it has ended already; the answer is missing, too
            send_to(self._process.stdin.fileno(), len(request).to_bytes(_LENGTH) + request)
        try:
            answer = _message(self._process.stdout.fileno())
        except ValueError as error:
            self.stop()
            raise ChildEndedError(str(error)) from error
        if answer is None:
            raise ChildEndedError(self._ending())
        return answer

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()

    def close(self) -> None:
        """End the process and free what it held; only once nobody asks it any more."""
        self.stop()
        self._process.wait()
        if self._relay.ident is not None:  # the system may have refused the thread
            self._relay.join(_GRACE)
        words = None if self._relay.is_alive() else self._process.stderr  # closing it would wait
        for stream in (self._process.stdin, self._process.stdout, words):
            if stream is not None:
                with suppress(OSError):
                    stream.close()

    def _tell(self) -> None:
        """Pass on what the child prints; if it never gets ready, an error says the last of it."""
        assert self._process.stderr is not None
        held: deque[str] = deque(maxlen=100)
        for line in iter(partial(self._process.stderr.readline, _LONGEST_LINE), b""):
            held.append(line.decode(errors="backslashreplace"))
            if held[-1].strip():
                self._words.append(held[-1].strip())
            self._pass_on(held)
        self._pass_on(held)

    def _pass_on(self, lines: deque[str]) -> None:
        while lines and self._ready.is_set():
            with suppress(AttributeError, OSError, ValueError):  # there may be no standard error any more
                sys.stderr.write("" if self._is_quiet else lines[0])
            lines.popleft()

    def _ending(self) -> str:
        code = self._process.wait()
        self._relay.join(_GRACE)
        words = f": {self._words[0][:_LAST_WORDS]}" if self._words else ""
        if code >= 0:
            return f"it ended with exit code {code}{words}"
        with suppress(ValueError):
            return f"signal {-code} ({signal.Signals(-code).name}) ended it{words}"
        return f"signal {-code} ended it{words}"


def _message(descriptor: int) -> bytes | None:
    """Return the next message from a pipe; None if the pipe was closed before its end.

    Raises:
        ValueError: it is none, since something else was written there.
    """
    part = _part(descriptor, _LENGTH)
    if part is None:
        return None
    length = int.from_bytes(part)
    if length > _LONGEST:
        raise ValueError("something else was written where its answers go")
    return _part(descriptor, length)


def _part(descriptor: int, length: int) -> bytes | None:
    parts: list[bytes] = []
    while length:
        part = os.read(descriptor, min(length, 1 << 20))
        if not part:
            return None
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def main() -> None:
    """Answer the requests of the process that started this one."""
    asked = json.loads(sys.argv[1])
    answers, source = descriptor_of_answers(), _descriptor_of_requests()
    die_with_parent()
    _keep_from_copies(answers, source)
    missing = set_limits(Allowance(*asked["limits"])) if asked["limits"] else []
    requests: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read, args=(source, requests), daemon=True).start()
    answering = imported(asked["call"])(requests.get())
    _send(answers, ",".join(missing).encode())
    this = os.getpid()
    while True:
        answer = answering(requests.get())
        if os.getpid() != this:  # a copy, which went on to here
            os._exit(1)
        _send(answers, answer)


def _descriptor_of_requests() -> int:
    """Return the descriptor on which a child gets what its parent sends; standard input is empty from now on.

    What runs in the child, and the programs that it starts, would else read requests, or wait for ever.
    """
    requests, nothing = os.dup(0), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return requests


def _keep_from_copies(*descriptors: int) -> None:
    """Close descriptors in every copy that a fork makes of this process.

    The parent learns of the end of this process by the end of its answers, and copies may outlive it.
    """

    def close() -> None:
        for descriptor in descriptors:
            with suppress(OSError):
                os.close(descriptor)

    if sys.platform != "win32":
        os.register_at_fork(after_in_child=close)


def _read(source: int, requests: SimpleQueue[bytes]) -> None:
    """Read requests, and end this process when the pipe from the parent is closed."""
    try:
        while (request := _message(source)) is not None:
            requests.put(request)
    except BaseException as error:  # without this thread, the parent would wait for ever
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
    os._exit(1)


def _send(descriptor: int, answer: bytes) -> None:
    send_to(descriptor, len(answer).to_bytes(_LENGTH) + answer)
