"""Orders kept on disk between runs: a search that was made before is not made again."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from hmcos.errors import HmcosError, OutputError
from hmcos.files import read_ordinary
from hmcos.folders import temporary_folder
from hmcos.limits import Limits, Status, Watch
from hmcos.log import Log
from hmcos.memory.digest import digest_of
from hmcos.memory.problem import Problem
from hmcos.memory.profile import peak
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.scheduler import Scheduler
from hmcos.version import __version__

_LOG = Log("hmcos.remembered")
LARGEST = 64 * 2**20
"""Bytes of all kept orders; those that were not used for longest go first."""
_LARGEST_FILE = 2**24
_SUFFIX = ".json"
_PRIVATE = 0o700


def orders_folder() -> Path | None:
    """Return the folder of kept orders: hmcos/orders in $XDG_CACHE_HOME or ~/.cache; None without a home."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if base.is_absolute():  # the specification of XDG says to ignore relative paths
        return base / "hmcos" / "orders"
    try:
        return Path.home() / ".cache" / "hmcos" / "orders"
    except RuntimeError:
        return None


def remembering(search: Scheduler, folder: Path | None, largest: int = LARGEST) -> Scheduler:
    """Return a scheduler that keeps what it finds in a folder, and looks there first; None keeps nothing.

    A kept order is checked and its peak is counted again before it is used, and it must not be worse than the
    given order, so a wrong file costs a search and nothing else. The lower bound is the one that was proved
    when the order was found; it is not proved again.
    """
    if folder is None:
        return search
    kept = _Kept(folder, largest)

    def find(problem: Problem, limits: Limits, watch: Watch) -> Schedule:
        key = digest_of(problem, __version__, limits)  # the names of operators do not matter to a search
        schedule = kept.find(key, problem, watch)
        if schedule is None:
            schedule = search(problem, limits, watch)
            if schedule.status is not Status.INTERRUPTED:
                kept.keep(key, schedule)
        return schedule

    return find


@dataclass(frozen=True, slots=True)
class _Kept:
    folder: Path
    largest: int

    def find(self, key: str, problem: Problem, watch: Watch) -> Schedule | None:
        """Return the schedule that is kept under a key; None if there is none that fits."""
        path = self.folder / f"{key}{_SUFFIX}"
        try:
            if path.stat().st_size > _LARGEST_FILE:
                return None
            schedule = _schedule(json.loads(read_ordinary(path)), problem, watch)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError, HmcosError) as error:
            _LOG.info("%s: not used: %s", path, error)
            return None
        with suppress(OSError):
            os.utime(path)  # used last, dropped last
        _LOG.info("order taken from %s", path)
        return schedule

    def keep(self, key: str, schedule: Schedule) -> None:
        """Write a schedule; a folder that cannot be written keeps nothing."""
        fields = {
            "order": schedule.order,
            "lower_bound": schedule.lower_bound,
            "status": schedule.status.value,
        }
        try:
            self.folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
            with temporary_folder(self.folder) as aside:
                whole = aside / "order"
                whole.write_text(json.dumps(fields))
                whole.replace(self.folder / f"{key}{_SUFFIX}")  # at once: another process never reads a half
            self._shrink()
        except (OSError, OutputError) as error:
            _LOG.info("%s: order not kept: %s", self.folder, error)

    def _shrink(self) -> None:
        found = [(path, path.stat()) for path in self.folder.glob(f"*{_SUFFIX}")]
        size = sum(status.st_size for _, status in found)
        for path, status in sorted(found, key=lambda entry: entry[1].st_mtime_ns):
            if size <= self.largest:
                return
            path.unlink(missing_ok=True)
            size -= status.st_size


def _schedule(content: object, problem: Problem, watch: Watch) -> Schedule:
    """Return a schedule from a file.

    Raises:
        ValueError: a field is missing or wrong.
        OptionError: the order is none of this problem.
    """
    fields = cast("dict[str, object]", content) if isinstance(content, dict) else {}
    order, bound = fields.get("order"), fields.get("lower_bound")
    if not isinstance(order, list) or not _all_numbers(cast("list[object]", order)):
        raise ValueError("order is not a list of numbers")
    if type(bound) is not int:
        raise ValueError("lower_bound is not a number")
    numbers = tuple(cast("list[int]", order))
    reached = peak(problem, numbers)
    status = Status(str(fields.get("status")))
    if reached > peak(problem, range(problem.operators)):
        raise ValueError(f"its peak {reached} is above that of the given order")
    if not 0 <= bound <= reached or (status is Status.OPTIMAL) != (bound == reached):
        raise ValueError(f"the bound {bound} and the status {status} do not fit the peak {reached}")
    return Schedule(numbers, reached, bound, status, "optimal", watch.seconds)


def _all_numbers(values: Sequence[object]) -> bool:
    return all(type(value) is int for value in values)
