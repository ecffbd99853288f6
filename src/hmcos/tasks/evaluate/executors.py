"""Where candidates are evaluated: here, in processes of our own, or in an executor that was given.

Nothing else in this room knows Dask: its executor differs from others in how it says that a worker died, and
in that its workers may be on machines without the files of this one.
"""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from concurrent.futures import ProcessPoolExecutor as PoolOfProcesses
from concurrent.futures import ThreadPoolExecutor as PoolOfThreads
from contextlib import contextmanager, suppress
from os import cpu_count
from queue import SimpleQueue
from typing import Any, Protocol

from hmcos.errors import OptionError, ToolError
from hmcos.files import read_ordinary
from hmcos.limits import Watch
from hmcos.log import Log
from hmcos.serving import Child, ChildEndedError
from hmcos.tasks.evaluate.answering import Answer, answer, beyond
from hmcos.tasks.evaluate.question import Question
from hmcos.tasks.evaluate.row import OUT_OF_MEMORY, failure, not_sent
from hmcos.tasks.evaluate.worker import decoded, packed, runs_main_script
from hmcos.words import first_line

_LOG = Log("hmcos.evaluate")
_CALL = "hmcos.tasks.evaluate.worker:answering"
_REACHABLE = 4
"""Seconds in which a cluster must answer."""
_GRACE = 5.0
"""Seconds to wait for a killed process to be gone."""
_ASKED_AGAIN = 1.0
"""Seconds between two questions to a cluster how many workers it has."""


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
                found = decoded(child.ask(request))
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
            child = Child(_CALL, self._greeting, self._memory)
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

    def _ended(self, child: Child | None) -> None:
        """Close a process, if there is one."""
        if child is not None:
            with self._lock:
                self._children.discard(child)
            child.close()


class Given:
    """Evaluates candidates in an executor that the caller made, and keeps."""

    def __init__(self, question: Question, executor: Executor, jobs: int | None) -> None:
        executor = getattr(executor, "get_executor", lambda: executor)()  # also a client of Dask
        self._question, self._executor, self._jobs = question, executor, jobs
        # Dask would answer what is asked again from what it knows, also a candidate that a worker died of.
        self._extra: dict[str, Any] = {"pure": False, "retries": 0} if _is_dask(executor) else {}
        self._begun: set[Future[Answer]] = set()
        self._broken = False
        self._known, self._asked = 1, float("-inf")

    @property
    def size(self) -> int:
        """The number of workers, as far as the executor says it; a cluster may grow."""
        if self._jobs is not None:
            return self._jobs
        if time.monotonic() - self._asked >= _ASKED_AGAIN:
            self._asked = time.monotonic()
            with suppress(OSError):  # a cluster that is gone; the futures tell so
                self._known = _workers_of(self._executor)
        return self._known

    @property
    def has_files(self) -> bool:
        """Whether its workers are on this machine."""
        return isinstance(self._executor, PoolOfThreads | PoolOfProcesses)

    def submit(self, content: object) -> Future[Answer]:
        """Submit a candidate.

        Raises:
            ToolError: the executor takes nothing any more.
            Exception: the candidate cannot be sent.
        """
        try:
            future = self._executor.submit(answer, self._question, content, **self._extra)
        except BrokenExecutor as error:
            self._broken = True
            future = Future[Answer]()
            future.set_exception(error)
        except RuntimeError as error:
            raise ToolError(f"the executor takes no candidate: {error}") from error
        self._begun.add(future)
        return future

    def answer(self, future: Future[Answer]) -> Answer:
        """Return the answer of a future; that it cannot be sent is one.

        Raises:
            WorkerDiedError: there is none.
            ToolError: the executor has dropped it, as a cluster does that goes away.
        """
        self._begun.discard(future)
        try:
            return future.result()
        except BrokenExecutor as error:
            self._broken = True
            raise WorkerDiedError(str(error)) from error
        except CancelledError as error:
            raise ToolError(
                "the executor was shut down, or its cluster is gone; an output can be resumed"
            ) from error
        except Exception as error:
            if _is_dask(self._executor) and type(error).__name__ == "KilledWorker":
                raise WorkerDiedError(_killed(error)) from error
            if isinstance(error, ModuleNotFoundError) and str(error.name).partition(".")[0] == "hmcos":
                raise ToolError(
                    f"a worker cannot import hmcos ({error}): install this version there"
                ) from error
            return Answer(not_sent(error), 0.0)

    def renewed(self) -> Workers:
        """Return itself, or processes of our own instead of an executor that a dead worker has broken."""
        if not self._broken:
            return self
        _LOG.info("the executor is broken; processes of hmcos take its place")
        return Processes(self._question, self.size, None)

    def close(self) -> None:
        """Cancel what was begun; the executor stays open."""
        for future in self._begun:
            future.cancel()


def cores() -> int:
    """Return the number of processor cores that this process may use."""
    if sys.version_info >= (3, 13):
        from os import process_cpu_count  # noqa: PLC0415 (new in 3.13)

        return process_cpu_count() or 1
    try:
        from os import sched_getaffinity  # noqa: PLC0415 (only on some systems)
    except ImportError:
        return cpu_count() or 1
    return len(sched_getaffinity(0))


def _workers_of(executor: Any) -> int:
    """Return how many workers an executor has; all executors of Python keep that under the same name."""
    if _is_dask(executor):
        return max(1, sum(executor._client.nthreads().values()))
    workers = getattr(executor, "_max_workers", None)
    return workers if isinstance(workers, int) and workers > 0 else cores()


def _is_dask(executor: Executor) -> bool:
    return type(executor).__module__.startswith("distributed.")


def _killed(error: Any) -> str:
    """Return how Dask says that workers died; its own message has several lines of advice."""
    many = getattr(error, "allowed_failures", 0) + 1
    return f"{many} worker{'s' * (many > 1)} of the cluster died of it"


@contextmanager
def cluster(address: str, note: Callable[[str], None]) -> Generator[Executor]:
    """Yield the executor of a cluster of Dask: tcp://HOST:PORT, or the scheduler file of one.

    `note` receives what the user should know, such as that the cluster has no workers yet.

    Raises:
        ToolError: Dask is not installed, or there is no cluster within a few seconds.
    """
    distributed = _dask()
    _silence()
    place = _place(address)
    try:
        # A client that fails to connect takes many seconds more to be given up, and prints a traceback then.
        asyncio.run(_reach(distributed.comm.connect, place))
        client = distributed.Client(place, timeout=_REACHABLE, set_as_default=False)
    except Exception as error:  # OSError, TimeoutError, ValueError and others, with messages of several lines
        raise ToolError(f"no cluster of Dask answers at {address}: {first_line(error)}") from error
    with client:
        if not client.nthreads():
            note(f"the cluster at {address} has no workers yet; start some: dask worker {address}")
        yield client.get_executor(retries=0)


def _dask() -> Any:
    """Return the library of Dask's clusters.

    Raises:
        ToolError: it is not installed.
    """
    try:
        import distributed  # noqa: PLC0415  # pyright: ignore[reportMissingImports]  (an optional library)
    except ImportError as error:
        raise ToolError(f"dask is not installed ({error}): pip install 'hmcos[dask]'") from error
    return distributed  # pyright: ignore[reportUnknownVariableType]


def _silence() -> None:
    """Keep Dask from reporting lost connections, with tracebacks: what ends a run is said in one line."""
    for name in [*logging.root.manager.loggerDict, "asyncio"]:
        if name.partition(".")[0] in {"distributed", "tornado", "asyncio"}:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


async def _reach(connect: Callable[..., Awaitable[Any]], place: str) -> None:
    """Connect to an address and say who we are, within a few seconds."""
    connection = await asyncio.wait_for(connect(place, timeout=_REACHABLE), _REACHABLE + 1)
    await connection.close()


def _place(address: str) -> str:
    """Return the address of a cluster: as it was given, or as its scheduler file says.

    Raises:
        ToolError: it is neither an address nor a scheduler file.
    """
    if "://" in address:
        return address
    try:
        described = json.loads(read_ordinary(address))
        return str(described["address"])
    except (OSError, ValueError, TypeError, LookupError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it has no address of a scheduler"
        raise ToolError(
            f"{address}: {reason}; name a cluster of Dask as tcp://HOST:PORT, or its scheduler file"
        ) from error
