"""The rows of a run counted: how many fit, what was gained, what went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from hmcos.limits import Status
from hmcos.tasks.evaluate.row import Row


@dataclass(frozen=True)
class Summary:
    """The rows of a run, and what was asked."""

    rows: tuple[Row, ...]
    target: str
    budget: int | None
    """Bytes; None if none was given."""
    output: str | None
    """The file that holds the rows; None if none does."""
    missing: int = 0
    """How many candidates have no row, because the run was interrupted."""

    @cached_property
    def found(self) -> tuple[Row, ...]:
        """The rows with figures."""
        return tuple(row for row in self.rows if row.error is None)

    @property
    def wrong(self) -> tuple[Row, ...]:
        """The rows with errors."""
        return tuple(row for row in self.rows if row.error is not None)

    @property
    def failures(self) -> Mapping[str, int]:
        """Kind of failure to how often it came, the most frequent first."""
        counted = Counter(row.failure for row in self.rows if row.failure is not None)
        return dict(sorted(counted.items(), key=lambda entry: (-entry[1], entry[0])))

    @property
    def statuses(self) -> Mapping[Status, int]:
        """Status to how many rows have it, in the order of the statuses."""
        counted = Counter(row.status for row in self.found)
        return {status: counted[status] for status in Status if counted[status]}

    @property
    def answers(self) -> tuple[int, int, int]:
        """How many of the networks fit the budget, provably do not, and are undecided."""
        fit, do_not = (sum(row.fits is answer for row in self.found) for answer in (True, False))
        return fit, do_not, len(self.found) - fit - do_not

    @cached_property
    def gains(self) -> tuple[Row, ...]:
        """The rows with figures, those first that save the largest part of their given peak."""
        return tuple(sorted(self.found, key=gain, reverse=True))

    @property
    def median_gain(self) -> float:
        """The median of what the rows save; 0 if there are none."""
        return median(map(gain, self.found)) if self.found else 0.0


def gain(row: Row) -> float:
    """Return which part of its given peak a row with figures saves, from 0 to 1."""
    return 1 - row.peak / row.given_peak if row.given_peak and row.peak is not None else 0.0


def in_order(rows: Iterable[Row], names: Iterable[str]) -> tuple[Row, ...]:
    """Return rows in the order of names; those of other names come last."""
    place = {name: number for number, name in reversed(list(enumerate(names)))}
    return tuple(sorted(rows, key=lambda row: place.get(row.name, len(place))))
