"""Candidates evaluated in an executor that was given, such as that of a cluster.

Nothing else in this room knows Dask: its executor differs from others in how it says that a worker died, and
in that its workers may be on machines without the files of this one.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from concurrent.futures import ProcessPoolExecutor as PoolOfProcesses
from concurrent.futures import ThreadPoolExecutor as PoolOfThreads
from contextlib import contextmanager, suppress
from typing import Any

from hmcos.errors import ToolError
from hmcos.files import read_ordinary
from hmcos.limits import cores
from hmcos.log import Log
from hmcos.tasks.evaluate.answering import Answer, answer
from hmcos.tasks.evaluate.question import Question
from hmcos.tasks.evaluate.row import not_sent
from hmcos.tasks.evaluate.workers import Processes, WorkerDiedError, Workers
from hmcos.words import first_line

_LOG = Log("hmcos.evaluate")
_REACHABLE = 4
"""Seconds in which a cluster must answer."""
_ASKED_AGAIN = 1.0
"""Seconds between two questions to a cluster how many workers it has."""


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
        except RecursionError:  # it is pickled here and now
            raise
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
