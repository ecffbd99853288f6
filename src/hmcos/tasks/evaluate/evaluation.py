"""A run: candidates in, rows out, never more than twice as many candidates at work as there are workers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

from hmcos.errors import HmcosError
from hmcos.limits import Status, Watch, never
from hmcos.log import Log
from hmcos.tasks.evaluate.answering import Answer, error_of, file_digest, lower_candidate
from hmcos.tasks.evaluate.candidate import Candidate, Kind, candidate_of, what_it_is
from hmcos.tasks.evaluate.question import Question
from hmcos.tasks.evaluate.row import NO_MODEL, WORKER_DIED, Figures, Row, failure, not_sent, row_of
from hmcos.tasks.evaluate.rows_file import RowsFile, Standing
from hmcos.tasks.evaluate.table import Table
from hmcos.tasks.evaluate.workers import WorkerDiedError, Workers
from hmcos.words import printable

_LOG = Log("hmcos.evaluate")
AT_WORK = 2
"""Candidates per worker that are at work: one that it has, and one that waits for it."""
REMEMBERED = 100_000
"""The most problems whose figures a run remembers; the oldest go first. They take about 30 MB."""
_LOOKS = 0.2
"""Seconds between two looks whether the user has interrupted the run."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How a run works."""

    question: Question
    workers: Callable[[], Workers]
    """Makes the workers, once the first row is asked for."""
    output: RowsFile | None = None
    standing: Standing | None = None
    """The rows that the output holds already; None if none of them counts."""
    interrupted: Callable[[], bool] = never


@dataclass(slots=True)
class _Sent:
    """A candidate at work."""

    name: str
    content: object
    """The candidate, or the numbers that it was lowered to."""
    subject: str = ""
    """What its key is made of, as far as it is known."""
    digest: str = ""
    """The hash of its numbers, as far as it is known."""
    error: str = ""
    """What is wrong with it, if that is known before it is sent."""
    workers: Workers | None = None
    """Whom it was sent to."""
    alone: bool = False
    """Whether it is tried again, without any other candidate beside it."""


class Evaluation(Iterator[Row]):
    """The rows of a run, in the order in which they are completed.

    Nothing begins before the first is asked for. Leaving the loop, or `close`, ends the run and its workers.
    """

    def __init__(self, rows: Generator[Row]) -> None:
        self._rows = rows

    def __next__(self) -> Row:
        """Return the next row."""
        return next(self._rows)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the run."""
        self.close()

    def close(self) -> None:
        """End the run and its workers; candidates at work get no row."""
        self._rows.close()

    def table(self) -> Table:
        """Return all rows that are still to come, as a table; waits for them."""
        return Table(tuple(self))


def rows_of(candidates: Iterable[object], setting: Setting) -> Generator[Row]:
    """Yield a row for each candidate, in the order in which they are completed.

    If the candidates raise an exception, the rows of those at work come before it.

    Raises:
        OutputError: a row cannot be written.
        ToolError: the workers cannot be started, or all of them are gone.
    """
    workers = setting.workers()
    run = _Run(setting, enumerate(iter(candidates)), workers)
    try:
        if setting.output is not None:
            setting.output.open()
        yield from run.rows()
        if setting.output is not None:
            setting.output.finish()
    finally:
        run.workers.close()
        if setting.output is not None:
            setting.output.close()


@dataclass(slots=True)
class _Run:
    setting: Setting
    candidates: Iterator[tuple[int, object]]
    workers: Workers
    fault: Exception | None = None
    """What the candidates raised."""
    is_over: bool = False
    """Whether there are no more candidates."""
    at_work: dict[Future[Answer], _Sent] = field(default_factory=dict[Future[Answer], _Sent])
    done: SimpleQueue[Future[Answer]] = field(default_factory=SimpleQueue[Future[Answer]])
    suspects: deque[_Sent] = field(default_factory=deque[_Sent])
    """Candidates whose worker died, to be tried again alone."""
    known: dict[str, Figures | str] = field(default_factory=dict[str, "Figures | str"])
    """Hash of a problem to what was found out about it; the oldest first."""
    equal: dict[str, list[_Sent]] = field(default_factory=dict[str, list[_Sent]])
    """Hash of each problem at work to the further candidates that are the same problem."""
    waiting: int = 0
    """How many candidates wait for an equal one."""

    def rows(self) -> Generator[Row]:
        """Yield the rows; they are written then."""
        while not self.setting.interrupted():
            begun = self._fed()
            if isinstance(begun, Row):
                yield begun
                continue
            if not (begun or self.at_work):
                break
            for future in self._finished(wait=not begun):
                yield from self._settled(future)
        if self.fault is not None:
            raise self.fault

    def _fed(self) -> Row | bool:
        """Begin the next candidate, if there is one and a place for it; return whether, or its row."""
        if self.suspects:
            return not self.at_work and self._sent(self.suspects.popleft())
        if self.is_over or len(self.at_work) + self.waiting >= AT_WORK * self.workers.size:
            return False
        try:
            candidate = candidate_of(*next(self.candidates))
        except StopIteration:
            self.is_over = True
            return False
        except Exception as error:  # rows of candidates at work come first
            self.fault, self.is_over = error, True
            return False
        return self._begun(candidate)

    def _begun(self, candidate: Candidate) -> Row | bool:
        """Begin a candidate; return True, or its row if that is known already."""
        prepared = self._prepared(candidate)
        found = self._standing(prepared.name, prepared.subject)
        if found is not None:
            return found
        if prepared.error:
            return self._row(prepared.name, prepared.subject, prepared.error)
        digest = prepared.digest
        if digest in self.known:
            return self._row(prepared.name, prepared.subject, self.known[digest])
        if digest in self.equal:
            self.equal[digest].append(prepared)
            self.waiting += 1
            return True
        if digest:
            self.equal[digest] = []
        return self._sent(prepared)

    def _prepared(self, candidate: Candidate) -> _Sent:
        """Return a candidate as it is sent, or with its error.

        What is in memory is lowered before: its numbers are a fraction of its bytes.
        """
        name, content, kind = candidate.name, candidate.content, candidate.kind
        if kind is Kind.UNKNOWN:
            return _Sent(name, None, name, error=failure(NO_MODEL, what_it_is(content)))
        if kind is Kind.FUNCTION:
            return _Sent(name, content, name)
        if kind is Kind.ZOO:
            return _Sent(name, content, printable(str(content)))
        if kind is Kind.FILE and self.setting.output is not None:
            self.setting.output.check_apart(str(content))
        if kind is Kind.FILE and self.workers.has_files:
            return _Sent(name, content, "" if self.setting.standing is None else file_digest(content))
        try:
            lowered, digest = lower_candidate(content, self.setting.question.request, Watch())
        except Exception as error:  # also a fault of ours: it must not end the run
            return _Sent(name, None, file_digest(content) or name, error=error_of(error))
        return _Sent(name, lowered.bare(), digest or lowered.digest, lowered.digest)

    def _standing(self, name: str, subject: str) -> Row | None:
        """Return the row that the output holds of a candidate already; None if it holds none."""
        if self.setting.standing is None:
            return None
        row, missing = self.setting.standing.find(name, self._key(subject or name))
        if missing is not None:
            self._written(missing)
        return row

    def _sent(self, sent: _Sent) -> bool:
        """Send a candidate to a worker, and return True; if it cannot be sent, that is the answer."""
        sent.workers = self.workers
        try:
            future = self.workers.submit(sent.content)
        except HmcosError:
            raise
        except Exception as error:  # whatever pickling raises
            future = Future[Answer]()
            future.set_result(Answer(not_sent(error), 0.0))
        self.at_work[future] = sent
        future.add_done_callback(self.done.put)
        return True

    def _finished(self, *, wait: bool) -> Iterator[Future[Answer]]:
        """Yield the futures that are done; if `wait`, wait until there is one or the run is interrupted."""
        while wait and not self.setting.interrupted():
            try:
                yield self.done.get(timeout=_LOOKS)
                break
            except Empty:
                pass
        while not self.done.empty():
            yield self.done.get()

    def _settled(self, future: Future[Answer]) -> Iterator[Row]:
        """Yield the row of a candidate that is done, and of those that are equal to it."""
        sent = self.at_work.pop(future)
        assert sent.workers is not None
        try:
            answer = sent.workers.answer(future)
        except WorkerDiedError as died:
            if sent.workers is self.workers:
                self.workers = self.workers.renewed()
            if not sent.alone:
                sent.alone = True
                self.suspects.append(sent)
                return
            answer = Answer(failure(WORKER_DIED, f"twice; the second time alone, {died}"), 0.0)
        found = answer.found
        if isinstance(found, Figures) and found.status is Status.INTERRUPTED:
            return
        self._remember(answer.digest or sent.digest, found)
        subject = sent.subject or answer.sha256 or file_digest(sent.content)
        yield self._row(sent.name, subject, found, answer.seconds)
        for equal in self.equal.pop(sent.digest, ()):
            self.waiting -= 1
            yield self._row(equal.name, equal.subject, found)

    def _remember(self, digest: str, found: Figures | str) -> None:
        if digest:
            if len(self.known) >= REMEMBERED:
                self.known.pop(next(iter(self.known)))
            self.known[digest] = found

    def _row(self, name: str, subject: str, found: Figures | str, seconds: float = 0.0) -> Row:
        return self._written(row_of(name, self._key(subject or name), found, seconds))

    def _written(self, row: Row) -> Row:
        """Return a row after it was written to the output, if there is one."""
        _LOG.info("%s: %s", row.name, row.error or f"peak {row.peak:,} bytes, {row.status}")
        if self.setting.output is not None:
            self.setting.output.append(row)
        return row

    def _key(self, subject: str) -> str:
        return f"{subject}@{self.setting.question.digest}"
