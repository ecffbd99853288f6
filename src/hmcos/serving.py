"""A child process that answers requests one after another and never outlives its parent.

`hmcos.processes.run` starts a process for each request, which takes a fifth of a second. A child here stays,
and its parent learns which request it was that ended it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from contextlib import suppress
from queue import SimpleQueue

from hmcos.log import Log
from hmcos.processes import (
    Allowance,
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

    def __init__(self, call: str, greeting: bytes, memory: int | None = None) -> None:
        """Start the process, and wait until it is ready.

        Args:
            call: module:function; it takes the greeting and returns what answers requests, bytes to bytes.
            greeting: what all requests have in common.
            memory: the most bytes of address space; None for those that this process itself may take.

        Raises:
            ChildEndedError: it ended before it was ready.
        """
        limits = None if memory is None else within_own(Allowance(_NO_LIMIT, memory))
        asked = {
            "path": list(map(str, sys.path)),
            "call": call,
            "limits": limits and [limits.seconds, limits.memory],
        }
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _START, json.dumps(asked)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._words: deque[str] = deque(maxlen=1)
        self._relay = threading.Thread(target=self._tell, daemon=True)
        self._relay.start()
        self.unlimited = tuple(filter(None, self.ask(greeting).decode().split(",")))
        """The limits that the system does not support: memory, processor time."""
        _LOG.debug("child process %d is ready", self._process.pid)

    def ask(self, request: bytes) -> bytes:
        """Return the answer to a request.

        Raises:
            ChildEndedError: the process ended before it answered; it was stopped, or crashed.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(OSError):  # it has ended already; the answer is missing, too
            send_to(self._process.stdin.fileno(), len(request).to_bytes(_LENGTH) + request)
        answer = _message(self._process.stdout.fileno())
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
        self._relay.join()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with suppress(OSError):
                    stream.close()

    def _tell(self) -> None:
        """Pass on what the child prints."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            text = line.decode(errors="backslashreplace")
            if text.strip():
                self._words.append(text.strip())
            with suppress(AttributeError, OSError, ValueError):  # there may be no standard error any more
                sys.stderr.write(text)

    def _ending(self) -> str:
        code = self._process.wait()
        self._relay.join()
        words = f": {self._words[0][:_LAST_WORDS]}" if self._words else ""
        if code >= 0:
            return f"it ended with exit code {code}{words}"
        with suppress(ValueError):
            return f"signal {-code} ({signal.Signals(-code).name}) ended it{words}"
        return f"signal {-code} ended it{words}"


def _message(descriptor: int) -> bytes | None:
    """Return the next message from a pipe; None if the pipe was closed before its end."""
    length = _part(descriptor, _LENGTH)
    return None if length is None else _part(descriptor, int.from_bytes(length))


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
    answers = descriptor_of_answers()
    die_with_parent()
    missing = set_limits(Allowance(*asked["limits"])) if asked["limits"] else []
    requests: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read, args=(requests,), daemon=True).start()
    answering = imported(asked["call"])(requests.get())
    _send(answers, ",".join(missing).encode())
    while True:
        _send(answers, answering(requests.get()))


def _read(requests: SimpleQueue[bytes]) -> None:
    """Read requests, and end this process when the pipe from the parent is closed."""
    try:
        while (request := _message(0)) is not None:
            requests.put(request)
    except BaseException as error:  # without this thread, the parent would wait for ever
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
    os._exit(1)


def _send(descriptor: int, answer: bytes) -> None:
    send_to(descriptor, len(answer).to_bytes(_LENGTH) + answer)
