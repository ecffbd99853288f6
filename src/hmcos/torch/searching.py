"""How the orders of graphs are searched: what the backend and the training step let their users choose."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from types import NoneType

from hmcos.errors import OptionError
from hmcos.memory.target import Target
from hmcos.tasks.request import chosen_limits, chosen_target
from hmcos.tasks.schedule.remembered import orders_folder
from hmcos.torch.targets import target_of


@dataclass(frozen=True, slots=True)
class Searching:
    """How the order of a graph is searched.

    Raises:
        OptionError: a value is of a wrong kind, or there is no such target.
    """

    target: str | PathLike[str] | Target | None = None
    """None for that of the device."""
    time_limit: float | None = 5.0
    cache: bool = True

    def __post_init__(self) -> None:
        _check_kind(
            "target", self.target, (str, PathLike, Target, NoneType), "the name of a target, or a file"
        )
        _check_kind("time_limit", self.time_limit, (int, float, NoneType), "a number of seconds, or None")
        _check_kind("cache", self.cache, (bool,), "True or False")
        chosen_limits(self.time_limit)
        if self.target is not None:
            chosen_target(self.target)

    @property
    def folder(self) -> Path | None:
        """The folder that keeps orders from one run to the next; None if none does."""
        return orders_folder() if self.cache else None

    def target_for(self, values: Iterable[object]) -> str | PathLike[str] | Target:
        """Return the target: the one that was chosen, or that of the device of the tensors among values."""
        return self.target or target_of(values)


def _check_kind(name: str, value: object, kinds: tuple[type, ...], what: str) -> None:
    if not isinstance(value, kinds):
        raise OptionError(f"{name}={value!r}: give {what}")
