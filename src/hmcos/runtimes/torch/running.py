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
from hmcos.runtimes.torch.twin import Listener, constants, copied, twin
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
    call = readied(module, feed, log)
    tally = log.tally = Tally(call.uncounted)
    tally.show_all(call.inputs)
    start = tally.bytes
    with torch.random.fork_rng(), torch.no_grad(), Watching(tally, log.use):
        torch.manual_seed(seed)
        outputs = call.module(call.inputs)
    return Ran(Memory(start, tuple(log.steps), tally.settle()), tuple(pytree.tree_leaves(outputs)), call.held)


@dataclass(frozen=True, slots=True)
class Call:
    """A module and a list of inputs of which nothing else holds those that were given up."""

    module: fx.GraphModule
    inputs: list[Any]
    held: tuple[Any, ...]
    """Per placeholder: the value, None if it was given up."""
    uncounted: tuple[torch.Tensor, ...]
    """The tensors whose storages do not count."""


def readied(module: fx.GraphModule, feed: Feed, listener: Listener) -> Call:
    """Return a copy of a module that tells of each node, and copies of its inputs."""
    memo: dict[int, Any] = {}
    inputs: list[Any] = [copied(value, memo) for value in feed.values]
    own = twin(module, listener, memo)
    held = tuple(None if at in feed.given_up else value for at, value in enumerate(inputs))
    parameters = [inputs[at] for at in sorted(feed.parameters)]
    return Call(own, inputs, held, (*constants(own), *tensors(parameters)))


class _Log:
    """The steps of a run so far, as a `Listener`."""

    tally: Tally

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._running: list[bool] = []
        """The nodes that run, each inside the one before it: whether it has bodies."""
        self._node = ""
        self._before = self._used = self._within = 0

    def begin(self, node: str, *, has_bodies: bool) -> None:
        """Begin with a node."""
        alive = self.tally.settle()
        if not self._running:
            self._node, self._before = node, alive
            self._used = self._within = alive
        self._running.append(has_bodies)

    def use(self, used: int) -> None:
        """Note the bytes alive while an operator runs: one of many within a node, or one of a body."""
        self._within = max(self._within, used)
        if self._running and self._running[-1]:
            self._used = max(self._used, used)

    def end(self, results: Any) -> None:
        """End the node that began last; what else it made is dead."""
        self.tally.settle()
        self.tally.show_all(results)
        self._used = max(self._used, self.tally.bytes)
        self._within = max(self._within, self.tally.bytes)
        self._running.pop()
        if not self._running:
            self.steps.append(Step(self._node, self._before, self._used, self._within))


def most_alive(function: Callable[[], object], uncounted: list[torch.Tensor], held: object = ()) -> int:
    """Return the most bytes of live storages while a function runs, such as a step of training in eager mode.

    The tensors in `held` count from the start. Others that exist before count from the first operator that
    reads them, and the storages of `uncounted` never.
    """
    tally = Tally(uncounted)
    tally.show_all(held)
    most = tally.bytes

    def use(used: int) -> None:
        nonlocal most
        most = max(most, used)

    with Watching(tally, use):
        function()
    return most
