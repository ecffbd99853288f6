"""Graphs that Inductor compiles in two orders of their kernels, and the trial that keeps the better one."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import RLock
from typing import Any

import torch

from hmcos.frontends.torch.kernels import kernel_problem
from hmcos.frontends.torch.private_inductor import (
    Call,
    Compile,
    Scheduled,
    call_of,
    copied_graph,
    cuda_devices_of,
    devices_of,
    is_compiled_graph,
    reordering,
    second_compilation,
    set_call,
    strides_of,
    uses_cuda_graphs,
    wrapper_of,
)
from hmcos.limits import Limits, Watch
from hmcos.log import Log
from hmcos.memory.problem import Problem
from hmcos.memory.profile import peak
from hmcos.memory.target import target_called
from hmcos.plan.schedule import Schedule
from hmcos.runtimes.torch.inductor import growth_of_storages, growth_on_cuda
from hmcos.schedulers.scheduler_table import scheduler
from hmcos.tasks.schedule.remembered import remembering
from hmcos.words import first_line, human, one_line

_LOG = Log("hmcos.torch")
INDUCTOR, HMCOS = "inductor", "hmcos"


@dataclass(frozen=True, slots=True)
class Growth:
    """By how many bytes memory grows at most during one call of a graph, in two orders of its kernels."""

    inductor: int
    """In Inductor's order."""
    hmcos: int
    """In ours."""


@dataclass(frozen=True, slots=True)
class InductorGraph:
    """What was found for one graph that Inductor compiled; all figures in bytes."""

    title: str
    """`forward`, `backward`, or `inference`."""
    kernels: int
    """How many nodes Inductor's scheduler ordered."""
    counted: Growth
    """As we count it: the tensors that are alive, less the inputs that have died."""
    estimated: Growth
    """As Inductor estimates it."""
    lower_bound: int
    """What no order of these kernels comes below, as we count it."""
    measured: Growth | None = None
    """None before calls in both orders were measured."""
    kept: str = INDUCTOR
    """Whose order the graph runs in: `inductor` or `hmcos`."""
    why: str = ""
    """Why it is kept."""

    def __str__(self) -> str:
        grows = self.measured or self.counted
        how = "measured" if self.measured else "counted"
        words = f"memory grows by {human(grows.inductor)} -> {human(grows.hmcos)} ({how})"
        return f"{self.title} graph of {self.kernels} kernels: {words}; order of {self.kept}: {self.why}"


@dataclass(frozen=True, slots=True)
class Searching:
    """How orders are searched."""

    limits: Limits
    kept: Path | None
    """The folder that keeps orders between runs."""


@dataclass(frozen=True, slots=True)
class _Found:
    """The order that was found for the kernels of a graph."""

    problem: Problem
    schedule: Schedule
    record: InductorGraph

    @property
    def improves(self) -> bool:
        return self.record.counted.hmcos < self.record.counted.inductor

    def applied(self, scheduled: Scheduled) -> Sequence[Any]:
        """Return the kernels of a second compilation of the same graph in the order that was found.

        Raises:
            ValueError: they are others, or depend on each other in another way.
        """
        nodes = {node.get_name(): node for node in scheduled.nodes}
        order = [self.problem.names[op] for op in self.schedule.order]
        if sorted(nodes) != sorted(order):
            raise ValueError("Inductor made other kernels when it compiled the graph again")
        done: set[Any] = set()
        for name in order:
            if not nodes[name].mpi_node.pred_nodes <= done:
                raise ValueError(f"kernel {name} would run before one that it needs")
            done.add(nodes[name])
        return [nodes[name] for name in order]


def _found(scheduled: Scheduled, title: str, searching: Searching) -> _Found:
    nodes = scheduled.nodes
    on_cuda = any(device is not None and device.type == "cuda" for device in map(_device, nodes))
    problem = kernel_problem(scheduled, target_called("torch-cuda" if on_cuda else "torch").alignment)
    search = remembering(scheduler("optimal"), searching.kept)
    schedule = search(problem, searching.limits, Watch())
    start = sum(problem.sizes[b] for b in problem.inputs)
    record = InductorGraph(
        title,
        len(nodes),
        Growth(peak(problem, range(len(nodes))) - start, schedule.peak - start),
        Growth(scheduled.estimate(nodes), scheduled.estimate([nodes[op] for op in schedule.order])),
        schedule.lower_bound - start,
    )
    return _Found(problem, schedule, record)


def _device(node: Any) -> torch.device | None:
    return node.get_device()


def compiled_twice(
    inner: Compile, given: tuple[Any, Sequence[Any], Mapping[str, Any]], searching: Searching
) -> tuple[Any, Trial | None]:
    """Return a graph as Inductor compiles it, and what tries another order of its kernels in its calls.

    `given` are the graph, its example inputs and the named arguments of Inductor's compiler. The trial is
    None if Inductor ordered no kernels. What fails besides Inductor's own compilation is a warning.
    """
    module, inputs, named = given
    title = _title(named)
    again = _or_warn(title, copied_graph, module)
    found: list[_Found] = []

    def look(scheduled: Scheduled) -> None:
        result = _or_warn(title, _found, scheduled, title, searching)
        found.extend([result] if result else [])

    with reordering(look):
        first = inner(module, inputs, **named)
    if not found or again is None or not is_compiled_graph(first):
        return first, None
    trial = Trial(first, found[0].record)
    if not found[0].improves:
        trial.keep(INDUCTOR, "no other that needs less was found")
    elif uses_cuda_graphs(first, named):
        trial.keep(INDUCTOR, "graphs of CUDA keep their memory, so it cannot be measured")
    elif "cuda" not in devices_of(first) and wrapper_of(first) is None:
        trial.keep(INDUCTOR, "its code is not Python, so its memory cannot be measured")
    else:
        second = _or_warn(title, _second, inner, (again, inputs, named), found[0])
        if second is None or strides_of(second) != strides_of(first):
            trial.keep(INDUCTOR, "it cannot be compiled in another order")
        else:
            trial.start(second)
    return first, trial


def _title(named: Mapping[str, Any]) -> str:
    if named.get("is_backward"):
        return "backward"
    return "inference" if named.get("is_inference") else "forward"


def _second(inner: Compile, given: tuple[Any, Sequence[Any], Mapping[str, Any]], found: _Found) -> Any:
    """Return the graph compiled in the order that was found."""
    module, inputs, named = given
    with reordering(found.applied), second_compilation():
        return inner(module, inputs, **named)


def _or_warn(title: str, function: Any, *given: Any) -> Any:
    """Return what a function returns; None, with a warning, if it fails."""
    try:
        return function(*given)
    except Exception as error:
        why = one_line(first_line(error))
        warnings.warn(f"hmcos: the {title} graph runs in Inductor's order: {why}", stacklevel=2)
        return None


class Trial:
    """Calls a graph in Inductor's order and then in ours, and keeps the one whose memory grew less.

    In each order, the first call is not measured: it may fill what later ones find, such as workspace of
    libraries, or try several kernels. Calls are compared whose inputs have the same sizes. Each of them
    computes what its caller asked for, so nothing is computed twice.
    """

    def __init__(self, compiled: Any, record: InductorGraph) -> None:
        self.record = record
        self._compiled = compiled
        self._own = call_of(compiled)
        self._other: Any = None
        self._called: set[str] = set()
        """In whose order it was called."""
        self._grown: dict[Hashable, int] = {}
        """By the sizes of the inputs: the growth in Inductor's order."""
        self._lock = RLock()

    def start(self, other: Any) -> None:
        """Start to try another compilation of the graph."""
        self._other = other
        set_call(self._compiled, self)

    def finish(self) -> bool:
        """End the trial and return whether it was decided; an order that was not measured is not kept."""
        with self._lock:
            undecided = self._other is not None
            if undecided:
                self.keep(INDUCTOR, "it was not called four times with inputs of the same sizes")
        return not undecided

    def keep(self, whose: str, why: str) -> None:
        """Let the graph run in one order from now on."""
        set_call(self._compiled, self._other if whose == HMCOS else self._own)
        self._other = None
        self.record = replace(self.record, kept=whose, why=why)
        _LOG.info("%s", self.record)

    def __call__(self, inputs: list[Any]) -> Any:
        """Call the graph and return its results."""
        sizes = _sizes(inputs)
        with self._lock:
            other, before = self._other, self._grown.get(sizes)
            whose = INDUCTOR if before is None else HMCOS
            first = whose not in self._called
            self._called.add(whose)
        if other is None:
            return call_of(self._compiled)(inputs)
        if before is None:
            results, grown = _called(self._compiled, self._own, inputs, measured=not first)
            if grown is not None:
                self._grown.setdefault(sizes, grown)
            return results
        try:
            results, grown = _called(other, call_of(other), inputs, measured=not first)
        except BaseException:
            self._end()
            raise
        if grown is not None:
            self._decide(Growth(before, grown))
        return results

    def _end(self) -> None:
        """End the trial because a call in our order failed."""
        with self._lock:
            if self._other is not None:
                self.keep(INDUCTOR, "a call in the other order failed")

    def _decide(self, grown: Growth) -> None:
        """End the trial by what was measured."""
        with self._lock:
            if self._other is None:
                return
            self.record = replace(self.record, measured=grown)
            better = grown.hmcos < grown.inductor
            saved = human(grown.inductor - grown.hmcos)
            self.keep(HMCOS if better else INDUCTOR, f"{saved} less" if better else "the other needs no less")


def _sizes(inputs: Sequence[Any]) -> Hashable:
    return tuple(
        (value.dtype, tuple(value.shape)) if isinstance(value, torch.Tensor) else repr(value)
        for value in inputs
    )


def _called(compiled: Any, call: Call, inputs: list[Any], *, measured: bool) -> tuple[Any, int | None]:
    """Return the results of a call, and by how many bytes memory grew at most; None if not measured."""
    if measured and "cuda" in devices_of(compiled):
        return growth_on_cuda(call, inputs, cuda_devices_of(compiled))
    names = wrapper_of(compiled) if measured else None
    return (call(inputs), None) if names is None else growth_of_storages(call, inputs, names)
