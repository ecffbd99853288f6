"""The order of a training step, with its log line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from types import NoneType

import torch

from hmcos.errors import OptionError
from hmcos.frontends.torch.steps.assembling import StepGraph
from hmcos.log import Log
from hmcos.memory.target import Target
from hmcos.tasks.request import chosen_limits, chosen_target
from hmcos.tasks.schedule.remembered import orders_folder
from hmcos.torch.ordering import Ordered, ordered
from hmcos.torch.targets import target_of

_LOG = Log("hmcos.torch")


@dataclass(frozen=True, slots=True)
class Searching:
    """How an order is searched.

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


def _check_kind(name: str, value: object, kinds: tuple[type, ...], what: str) -> None:
    if not isinstance(value, kinds):
        raise OptionError(f"{name}={value!r}: give {what}")


@dataclass(frozen=True, slots=True)
class OrderedStep:
    """A training step in its order."""

    graph: StepGraph
    ordered: Ordered
    run: Callable[..., Sequence[torch.Tensor]]


def in_order(graph: StepGraph, searching: Searching) -> OrderedStep:
    """Return a training step in the order that needs the least memory."""
    found = ordered(
        graph.module,
        graph.examples,
        parameters=graph.parameters,
        target=searching.target or target_of(graph.examples),
        time_limit=searching.time_limit,
        kept=orders_folder() if searching.cache else None,
    )
    _LOG.info("training step of %d operators: %s", len(found.plan.operators), found.words)
    return OrderedStep(graph, found, found.module.forward)
