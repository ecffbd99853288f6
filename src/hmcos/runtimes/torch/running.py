"""Run a graph on real tensors and measure the bytes of its live storages at every node."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx
from torch.utils import _pytree as pytree

from hmcos.runtimes.torch.memory import Memory, Step
from hmcos.runtimes.torch.tally import Tally, tensors
from hmcos.runtimes.torch.twin import Begin, constants, copied, twin
from hmcos.runtimes.torch.watching import Watching


@dataclass(frozen=True)
class Feed:
    """What a graph is run on; a run works on copies of it."""

    values: tuple[Any, ...]
    """Per placeholder: a tensor or another value."""
    parameters: frozenset[int] = frozenset()
    """Positions of the values that are parameters, buffers or constants: they do not count."""
    given_up: frozenset[int] = frozenset()
    """Positions of the values that the caller does not hold: they die after their last reader."""


@dataclass(frozen=True)
class Ran:
    """The outcome of one run."""

    memory: Memory
    outputs: tuple[Any, ...]
    """The values that the graph returns, flattened."""
    values: tuple[Any, ...]
    """Per placeholder: the value after the run, which may have written to it; None if it was given up."""


def run(module: fx.GraphModule, feed: Feed, seed: int = 0) -> Ran:
    """Run a graph on copies of its inputs and parameters; equal seeds give equal random numbers.

    Values die where those of the code that fx generates for the module die.

    Raises:
        ModelError: a tensor has no storage of its own, such as a sparse one.
    """
    log = _Log()
    call = readied(module, feed, log.begin)
    tally = log.tally = Tally(call.uncounted)
    tally.show_all(call.inputs)
    start = tally.bytes
    with torch.random.fork_rng(), torch.no_grad(), Watching(tally, log.use):
        torch.manual_seed(seed)
        outputs = call.module(call.inputs)
    steps = log.ended()
    return Ran(Memory(start, steps, tally.settle()), tuple(pytree.tree_leaves(outputs)), call.held)


@dataclass(frozen=True, slots=True)
class Call:
    """A module and a list of inputs of which nothing else holds those that were given up."""

    module: fx.GraphModule
    inputs: list[Any]
    held: tuple[Any, ...]
    """Per placeholder: the value, None if it was given up."""
    uncounted: tuple[torch.Tensor, ...]
    """The tensors whose storages do not count."""


def readied(module: fx.GraphModule, feed: Feed, begin: Begin) -> Call:
    """Return a copy of a module that calls `begin` before each node, and copies of its inputs."""
    memo: dict[int, Any] = {}
    inputs: list[Any] = [copied(value, memo) for value in feed.values]
    own = twin(module, begin, memo)
    held = tuple(None if at in feed.given_up else value for at, value in enumerate(inputs))
    parameters = [inputs[at] for at in sorted(feed.parameters)]
    return Call(own, inputs, held, (*constants(own), *tensors(parameters)))


class _Log:
    """The steps of a run so far."""

    tally: Tally

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self._node: str | None = None
        self._before = self._used = 0

    def begin(self, node: str) -> None:
        self._close()
        self._node, self._before = node, self.tally.settle()
        self._used = self._before

    def use(self, used: int) -> None:
        self._used = max(self._used, used)

    def _close(self) -> None:
        if self._node is not None:
            self._steps.append(Step(self._node, self._before, self._used))

    def ended(self) -> tuple[Step, ...]:
        self._close()
        return tuple(self._steps)


def most_alive(function: Callable[[], object], uncounted: list[torch.Tensor]) -> int:
    """Return the most bytes of live storages while a function runs, such as a step of training in eager mode.

    Storages that were alive before count from the first operator that reads them; those of `uncounted`
    never count.
    """
    most = 0

    def use(used: int) -> None:
        nonlocal most
        most = max(most, used)

    with Watching(Tally(uncounted), use):
        function()
    return most
