"""Candidates that workers build, for tests of evaluate: workers import this module."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from hmcos.memory.problem import Problem
from networks import FORK


def fork(times: int = 1) -> Problem:
    """The fork with all its sizes multiplied."""
    return replace(FORK, sizes=tuple(size * times for size in FORK.sizes))


def chain(operators: int, times: int = 1) -> Problem:
    """Operators one after another; each makes a buffer from the last one."""
    return Problem(
        names=tuple(f"step {i}" for i in range(operators)),
        sizes=tuple(times * (1 + (7 * i) % 11) for i in range(operators + 1)),
        inputs=(0,),
        kept=(operators,),
        reads=tuple((i,) for i in range(operators)),
        makes=tuple((i + 1,) for i in range(operators)),
        may_overwrite=((),) * operators,
        scratch=(0,) * operators,
    )


def builder(times: int) -> partial[Problem]:
    """A function of a worker that builds a fork."""
    return partial(fork, times)


def killed() -> Problem:
    """End the worker that builds this."""
    os.kill(os.getpid(), signal.SIGKILL)
    return FORK


def killed_once(mark: str) -> Problem:
    """End the worker that builds this the first time."""
    if not Path(mark).exists():
        Path(mark).touch()
        killed()
    return FORK


def exiting() -> Problem:
    """End the worker by the usual means."""
    sys.exit(3)


def greedy() -> Problem:
    """Take more memory than there is."""
    taken = bytearray(1 << 40)
    return replace(FORK, names=(str(len(taken)), *FORK.names[1:]))


def aborting() -> Problem:
    """End the worker as a library in C++ does whose memory runs out."""
    os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n")
    os.abort()


class LastError(BaseException):
    """Not even an Exception."""


class WordlessError(Exception):
    """An exception that cannot say what it is."""

    def __str__(self) -> str:
        raise WordlessError


def raising(kind: type[BaseException]) -> Problem:
    """Raise an exception of a class."""
    raise kind


def refusing() -> Problem:
    """Raise an exception."""
    raise ValueError("cannot build this\nand so on")


def saying_nonsense() -> Problem:
    """Write to the pipe of the answers what has the form of a message, and is no answer."""
    for descriptor in range(3, 32):
        with suppress(OSError):
            os.write(descriptor, (4).to_bytes(8) + b"[{}]")
    return FORK


def asleep() -> Problem:
    """Take an hour."""
    time.sleep(3600)
    return FORK


def process_number(folder: str, times: int) -> Problem:
    """Leave the number of the worker's process as the name of a file."""
    Path(folder, str(os.getpid())).touch()
    return fork(times)


class Unpicklable:
    """A candidate that cannot be sent."""

    def __call__(self) -> Problem:
        return FORK

    def __reduce__(self) -> str:
        raise TypeError("cannot be pickled")


def endless() -> Iterator[Problem]:
    """Forks without end, each larger than the last."""
    times = 0
    while True:
        times += 1
        yield fork(times)


def slowly(seconds: float = 0.02) -> Iterator[tuple[str, partial[Problem]] | Problem]:
    """Yield 60 candidates, one after another."""
    for times in range(1, 61):
        time.sleep(seconds)
        yield (f"built {times}", builder(times)) if times % 3 else fork(1 + times // 9)
