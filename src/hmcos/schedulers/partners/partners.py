"""Partners of a search: other processes that prove bounds for the pieces that it searches.

The main process searches as it would alone, so it finds the same orders, one after another. Of its partners
it asks one thing: whether the best peak of the piece that it searches is proved by now. If so, its order is
the one that it would return alone, after proving the same itself. Lower orders that partners find count only
if a limit ends the search.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import PurePath
from time import perf_counter
from typing import Protocol

from hmcos.limits import Limits
from hmcos.log import Log
from hmcos.schedulers.exact.commits import PruningRules
from hmcos.schedulers.exact.pieces import Piece

_LOG = Log("hmcos.search")
AFTER = 2.0
"""Seconds of a search before partners begin: most searches end sooner. Results do not depend on it."""


class Partners(Protocol):
    """What helps a search."""

    @property
    def remembered(self) -> int:
        """The number of states that they hold in memory."""
        ...

    def bound(self, number: int) -> int:
        """Return the largest lower bound in bytes that they proved for a piece, by its number; 0 for none."""
        ...

    def order(self, number: int) -> Sequence[int] | None:
        """Return the lowest order of a piece that they found, None without one."""
        ...

    def work_beside(self, number: int, piece: Piece) -> None:
        """Let them work on the piece that the main process searches; must be quick."""
        ...

    def give_way(self) -> None:
        """End one of them, so that less memory is held; what it found stays."""
        ...

    def close(self) -> None:
        """End them; what they found stays."""
        ...


class NoPartners:
    """A search without help."""

    remembered = 0

    def bound(self, number: int) -> int:
        """Return 0."""
        return 0

    def order(self, number: int) -> Sequence[int] | None:
        """Return None."""
        return None

    def work_beside(self, number: int, piece: Piece) -> None:
        """Do nothing."""

    def give_way(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class Later:
    """Partners that begin once a search has lasted some seconds."""

    def __init__(
        self, begin: Callable[[], Partners], seconds: float, clock: Callable[[], float] = perf_counter
    ) -> None:
        self._begin: Callable[[], Partners] | None = begin
        self._clock, self._moment = clock, clock() + seconds
        self._partners: Partners = NoPartners()

    @property
    def remembered(self) -> int:
        """The number of states that they hold in memory."""
        return self._partners.remembered

    def bound(self, number: int) -> int:
        """Return the largest lower bound in bytes that they proved for a piece, by its number; 0 for none."""
        return self._partners.bound(number)

    def order(self, number: int) -> Sequence[int] | None:
        """Return the lowest order of a piece that they found, None without one."""
        return self._partners.order(number)

    def work_beside(self, number: int, piece: Piece) -> None:
        """Let them work on a piece, if it is time to begin."""
        if self._begin and self._clock() >= self._moment:
            self._partners, self._begin = self._begin(), None
        self._partners.work_beside(number, piece)

    def give_way(self) -> None:
        """End one of them."""
        self._partners.give_way()

    def close(self) -> None:
        """End them, or never begin."""
        self._begin = None
        self._partners.close()


def partners_for(limits: Limits, rules: PruningRules) -> Partners:
    """Return the partners that a search may have: processes that begin after a while, or none.

    With a budget there are none. A search stops at the first refutation, and the bound that it proves depends
    on who comes first. In a worker of a pool there are none by default, since the pool has the cores already.
    """
    helpers = 0 if limits.jobs is None and _is_worker() else limits.processes - 1
    if helpers < 1 or limits.budget is not None or not _starts_python():
        return NoPartners()

    def begin() -> Partners:
        from hmcos.processes import has_limit_of_memory  # noqa: PLC0415 (few searches need these)
        from hmcos.schedulers.partners.processes import PartnerProcesses  # noqa: PLC0415

        if has_limit_of_memory():
            _LOG.info("no partners, since the address space is limited")
            return NoPartners()
        return PartnerProcesses(rules, helpers)

    return Later(begin, AFTER)


def _is_worker() -> bool:
    """Return whether this process was started by `multiprocessing`."""
    module = sys.modules.get("multiprocessing.process")
    return module is not None and module.parent_process() is not None


def _starts_python() -> bool:
    """Return whether `sys.executable` is Python; in a frozen program it is that program."""
    name = PurePath(sys.executable or "").name.lower()
    return not getattr(sys, "frozen", False) and name.startswith(("python", "pypy"))
