"""What evaluates candidates: this process, or processes of our own."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from typing import Protocol

from hmcos.errors import OptionError, ToolError
from hmcos.limits import Watch
from hmcos.log import Log
from hmcos.serving import Child, ChildEndedError
from hmcos.tasks.evaluate.answering import Answer, answer, beyond
from hmcos.tasks.evaluate.question import Question
from hmcos.tasks.evaluate.row import OUT_OF_MEMORY, failure
from hmcos.tasks.evaluate.worker import decoded, packed, runs_main_script

_LOG = Log("hmcos.evaluate")
_CALL = "hmcos.tasks.evaluate.worker:answering"
_GRACE = 5.0
"""Seconds to wait for a killed process to be gone."""


class WorkerDiedError(Exception):
    """A worker that ended before it answered; the message says how, as far as that is known."""


class Workers(Protocol):
    """What evaluates candidates."""

    @property
    def size(self) -> int:
        """How many candidates it evaluates at the same time."""
        ...

    @property
    def has_files(self) -> bool:
        """Whether it can read the files that this process can."""
        ...

    def submit(self, content: object) -> Future[Answer]:
        """Begin to evaluate a candidate; raises what sending it raises."""
        ...

    def answer(self, future: Future[Answer]) -> Answer:
        """Return the answer of a future that is done.

        Raises:
            WorkerDiedError: there is none.
            ToolError: there will be none to any candidate.
        """
        ...

    def renewed(self) -> Workers:
        """Return workers that go on after one has died."""
        ...

    def close(self) -> None:
        """Stop everything that was begun."""
        ...


class Here:
    """Evaluates each candidate in this process, at once."""

    size = 1
    has_files = True

    def __init__(self, question: Question, interrupted: Callable[[], bool]) -> None:
        self._question, self._interrupted = question, interrupted

    def submit(self, content: object) -> Future[Answer]:
        """Evaluate a candidate; its answer is there when this returns."""
        future: Future[Answer] = Future()
        future.set_result(answer(self._question, content, Watch(interrupted=self._interrupted)))
        return future

    def answer(self, future: Future[Answer]) -> Answer:
        """Return the answer of a future."""
        return future.result()

    def renewed(self) -> Workers:
        """Return itself: no worker can die without this process."""
        return self

    def close(self) -> None:
        """Do nothing."""


class Processes:
    """Evaluates candidates in processes of its own, each with a thread that talks to it.

    Unlike `concurrent.futures.ProcessPoolExecutor`, it knows which candidate a process died of, goes on with
    a new process, and never forks this one, which may have threads. Answers are never unpickled.
    """

    has_files = True

    def __init__(self, question: Question, size: int, memory: int | None) -> None:
        if runs_main_script():
            raise OptionError(
                "this script calls hmcos.evaluate while a worker imports it to find a function in it; put the"
                ' call below: if __name__ == "__main__":'
            )
        self.size = size
        self._greeting, self._memory = pickle.dumps(question), memory
        self._requests: SimpleQueue[tuple[Future[Answer], bytes] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._children: set[Child] = set()
        self._threads: list[threading.Thread] = []
        self._open = 0
        self._closed = False

    def submit(self, content: object) -> Future[Answer]:
        """Queue a candidate; raises what pickling it raises."""
        future, request = Future[Answer](), packed(content)
        with self._lock:
            self._open += 1
            if len(self._threads) < min(self.size, self._open):
                # A daemon: a thread that waits for a long search must not keep this process from ending.
                self._threads.append(threading.Thread(target=self._serve, daemon=True))
                self._threads[-1].start()
        self._requests.put((future, request))
        return future

    def answer(self, future: Future[Answer]) -> Answer:
        """Return the answer of a future.

        Raises:
            WorkerDiedError: its process ended.
            ToolError: no process can be started.
        """
        return future.result()

    def renewed(self) -> Workers:
        """Return itself: dead processes are replaced when the next candidate comes."""
        return self

    def close(self) -> None:
        """End all processes, whatever they are doing."""
        self._closed = True
        with self._lock:
            for child in self._children:
                child.stop()
        for _ in self._threads:
            self._requests.put(None)
        for thread in self._threads:
            thread.join(_GRACE)

    def _serve(self) -> None:
        """Pass candidates to a process, until this pool is closed."""
        child: Child | None = None
        while (asked := self._requests.get()) is not None and not self._closed:
            future, request = asked
            try:
                child = child or self._started()
                found = _decoded(child.ask(request))
                if self._memory is not None and found.is_failure(OUT_OF_MEMORY):
                    child = self._ended(child)  # it may never get rid of what it has taken
                future.set_result(found)
            except ChildEndedError as ended:
                child = self._ended(child)
                if self._memory is not None and ended.exhausted:  # it would be again
                    future.set_result(Answer(failure(OUT_OF_MEMORY, beyond(self._memory)), 0.0))
                else:
                    future.set_exception(WorkerDiedError(str(ended)))
            except Exception as error:  # the thread must go on, and whoever waits must hear of it
                future.set_exception(error)
            with self._lock:
                self._open -= 1
        self._ended(child)

    def _started(self) -> Child:
        """Return a new process.

        Raises:
            ToolError: it cannot be started.
        """
        try:
            child = self._begun()
        except (ChildEndedError, OSError) as error:
            limit = "" if self._memory is None else f" within {self._memory:,} bytes of memory"
            raise ToolError(f"a worker process cannot start{limit}: {error}") from error
        if self._memory is not None and child.unlimited:
            _LOG.info("this system does not limit the memory of processes")
        with self._lock:
            self._children.add(child)
            if self._closed:
                child.stop()
        return child

    def _begun(self) -> Child:
        with suppress(ChildEndedError):
            return Child(_CALL, self._greeting, self._memory)
        return Child(_CALL, self._greeting, self._memory)  # the first may have been killed by chance

    def _ended(self, child: Child | None) -> None:
        """Close a process, if there is one."""
        if child is not None:
            with self._lock:
                self._children.discard(child)
            child.close()


def _decoded(content: bytes) -> Answer:
    """Return the answer that was encoded.

    Raises:
        ChildEndedError: it is none; what the process says from now on cannot be trusted either.
    """
    try:
        return decoded(content)
    except (ValueError, TypeError, RecursionError) as error:
        raise ChildEndedError("something else was written where its answers go") from error
