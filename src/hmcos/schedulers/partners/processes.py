"""Partners in processes of their own, each with a thread of the main process that talks to it.

Nobody misses a partner that cannot start, or that ends: the main process never waits for one.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Protocol

from hmcos.log import Log
from hmcos.schedulers.exact.commits import PruningRules
from hmcos.schedulers.exact.pieces import Piece
from hmcos.schedulers.partners.board import TOLD, Board
from hmcos.schedulers.partners.partner import Assignment, Greeting, decoded
from hmcos.serving import Child

_LOG = Log("hmcos.search")
_CALL = "hmcos.schedulers.partners.partner:answering"
_GRACE = 2.0
"""Seconds to wait for processes that were killed to be gone."""


class Answering(Protocol):
    """A process that answers one request after another."""

    def ask(self, request: bytes) -> bytes:
        """Return the answer; raises an exception if there is none."""
        ...

    def stop(self) -> None:
        """End it, whatever it is doing; any thread may call this."""
        ...

    def close(self) -> None:
        """End it and free what it held."""
        ...


def child(greeting: bytes) -> Answering:
    """Return a partner process that is ready; it prints nothing."""
    return Child(_CALL, greeting, is_quiet=True)


class PartnerProcesses:
    """Partners that work on the piece that the main process searches."""

    def __init__(
        self,
        rules: PruningRules,
        size: int,
        begin: Callable[[bytes], Answering] = child,
        told: int = TOLD,
    ) -> None:
        self._rules, self._begin = rules, begin
        self._board = Board(size, told)
        self._changed = threading.Condition()
        """Held by whoever uses the fields of this object."""
        self._ended = [False] * size
        """Per partner: whether it is to end."""
        self._remembered = [0] * size
        """Per partner: the states that it holds in memory."""
        self._running: dict[int, tuple[threading.Thread, Answering]] = {}
        """Per partner whose process is ready."""
        try:
            for number in range(size):
                self._start(number)
        except BaseException:  # Ctrl-C: whoever asked for partners will never close these
            self.close()
            raise

    def _start(self, number: int) -> None:
        try:
            # A daemon: a thread that waits for an answer must not keep this process from ending.
            threading.Thread(target=self._serve, args=(number,), daemon=True).start()
        except RuntimeError as error:  # too many threads, or an interpreter that allows none
            _LOG.info("no thread for partner %d: %s", number, error)
            with self._changed:
                self._board.leave(number)

    @property
    def remembered(self) -> int:
        """The number of states that they hold in memory."""
        return sum(self._remembered)

    def bound(self, number: int) -> int:
        """Return the largest lower bound in bytes that they proved for a piece, by its number; 0 for none."""
        known = self._board.pieces.get(number)
        return known.lower_bound if known else 0

    def order(self, number: int) -> Sequence[int] | None:
        """Return the lowest order of a piece that they found, None without one."""
        known = self._board.pieces.get(number)
        return known.order if known else None

    def work_beside(self, number: int, piece: Piece) -> None:
        """Tell them now and then what the main process works on and what it has refuted."""
        if self._board.has_something_new(number, piece):
            with self._changed:
                self._board.tell(number, piece)
                self._changed.notify_all()

    def give_way(self) -> None:
        """End the last of the partners that are ready: the first ones search where a proof is likeliest."""
        with self._changed:
            last = sorted(self._running)[-1:]
        self._end(last)

    def close(self) -> None:
        """End all processes, whatever they are doing."""
        self._end(range(len(self._ended)))

    def _end(self, numbers: Sequence[int]) -> None:
        for number in numbers:  # at once, in case that a Ctrl-C ends the rest
            self._ended[number] = True
        with self._changed:
            self._changed.notify_all()
            for number in numbers:
                self._board.leave(number)
            # One whose process is not ready yet ends it then.
            ending = [self._running.pop(number) for number in numbers if number in self._running]
            for _, process in ending:
                process.stop()
        end = monotonic() + _GRACE
        for thread, _ in ending:
            thread.join(max(0.0, end - monotonic()))

    def _serve(self, number: int) -> None:
        """Pass assignments to a process until it is to end, or ends by itself."""
        process: Answering | None = None
        try:
            process = self._begin(pickle.dumps(Greeting(self._rules, number)))
            with self._changed:
                self._running[number] = threading.current_thread(), process
            while (assignment := self._next(number)) is not None:
                finding = decoded(process.ask(pickle.dumps(assignment)))
                with self._changed:
                    self._board.take(number, assignment.number, finding)
                    self._remembered[number] = finding.remembered
                if finding.lower_bound >= finding.peak:
                    _LOG.debug("partner %d: bound %d, %d states", number, finding.lower_bound, finding.states)
        except Exception as error:  # whatever it is: the search goes on without this partner
            if not self._ended[number]:
                _LOG.info("partner %d ended: %s", number, error)
        with self._changed:
            self._remembered[number] = 0
            self._board.leave(number)
            self._running.pop(number, None)
        if process is not None:
            process.close()

    def _next(self, number: int) -> Assignment | None:
        """Wait for something to work on, and return it; None once the partner is to end."""
        with self._changed:
            while not self._ended[number]:
                assignment = self._board.assignment(number)
                if assignment is not None:
                    return assignment
                self._changed.wait(_GRACE)  # a Ctrl-C may have kept `_end` from calling
        return None
