"""Which modules own the memory at the peak, by their paths and lines of code instead of names of nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import cast

from torch.export import ExportedProgram
from torch.fx import Node

from hmcos.frontends.torch.building import Traced
from hmcos.frontends.torch.exported import Source
from hmcos.frontends.torch.refusing import module_path
from hmcos.frontends.torch.tracing import model_in_memory
from hmcos.graph.graph import Operator, Tensor
from hmcos.limits import Limits, Watch
from hmcos.memory.lifetimes import lifetimes
from hmcos.memory.problem import Problem
from hmcos.memory.profile import profile as memory_along
from hmcos.network.opening import open_source
from hmcos.plan.schedule import Schedule
from hmcos.report.page.page import plotly_script, write_page
from hmcos.tasks.explain.explanation import explain_plan
from hmcos.tasks.places import check_file
from hmcos.tasks.request import Request, chosen_limits, chosen_target
from hmcos.tasks.schedule.solved import Solved
from hmcos.tasks.schedule.solving import solve
from hmcos.tasks.schedule.task import run
from hmcos.torch.ordering import Ordered
from hmcos.torch.training import TrainingStep
from hmcos.words import human

_FRAME = re.compile(r'File "([^"]+)", line (\d+), in (\S+)')
_LIBRARY = re.compile(r"[/\\](torch|hmcos)[/\\]")
_SHOWN = 15


@dataclass(frozen=True, slots=True)
class Held:
    """A tensor that is alive at the peak."""

    size: int
    """Bytes."""
    module: str
    """The path of the module that made it; `loss` outside of the model, `input` for what the caller holds."""
    node: str
    """The name of the node that made it."""
    line: str
    """The line of code that made it, such as `net.py:33`; empty in backward and in the update."""


@dataclass(frozen=True)
class MemoryProfile:
    """What is alive at the peak, in the given order and in the best one; the largest first."""

    given: tuple[Held, ...]
    best: tuple[Held, ...]

    @property
    def given_peak(self) -> int:
        """The peak of the given order in bytes."""
        return sum(held.size for held in self.given)

    @property
    def peak(self) -> int:
        """The peak of the best order in bytes."""
        return sum(held.size for held in self.best)

    @property
    def by_module(self) -> dict[str, int]:
        """The bytes of each module at the peak of the best order, the most first."""
        return _by_module(self.best)

    def __str__(self) -> str:
        given, best = _by_module(self.given), self.by_module
        names = sorted({*given, *best}, key=lambda name: (-given.get(name, 0), name))
        width = max(len(name) for name in ["module", *names[:_SHOWN]])
        rows = [(name, given.get(name, 0), best.get(name, 0)) for name in names]
        lines = [f"{'module':{width}}  {'given order':>14}  {'best order':>14}"]
        lines += [f"{name:{width}}  {before:14,}  {after:14,}" for name, before, after in rows[:_SHOWN]]
        if rest := rows[_SHOWN:]:
            before, after = sum(row[1] for row in rest), sum(row[2] for row in rest)
            lines.append(f"{f'{len(rest)} more':{width}}  {before:14,}  {after:14,}")
        lines.append(f"{'peak':{width}}  {self.given_peak:14,}  {self.peak:14,}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<MemoryProfile: peak {human(self.given_peak)} -> {human(self.peak)}>"


def _by_module(held: Sequence[Held]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for each in held:
        sums[each.module] = sums.get(each.module, 0) + each.size
    return dict(sorted(sums.items(), key=lambda entry: (-entry[1], entry[0])))


def profile(
    source: TrainingStep | ExportedProgram | Ordered,
    output: str | PathLike[str] | None = None,
    *,
    bind: Mapping[str, int] | None = None,
) -> MemoryProfile:
    """Return which modules own the memory at the peak; with `output`, also write the page that explains it.

    The source is a training step, of which the first planned shape is profiled, an exported program, whose
    symbolic sizes `bind` gives, or what `ordered` returned. On the page, operators and tensors are called by
    module and line of code.

    Raises:
        ModelError: the program cannot be scheduled.
        ToolError: a page is asked for, and plotly is not installed.
        OutputError: the page cannot be written.
    """
    found = _found(source, bind)
    if output is not None:
        place = Path(output)
        plotly_script()
        check_file(place, [], "the model")
        write_page(explain_plan(_told(*found), chosen_limits(10.0), Watch()), place)
    trace, solved = found
    nodes = {node.name: node for node in trace.module.graph.nodes}
    given = range(solved.network.problem.operators)
    return MemoryProfile(
        tuple(_held(solved, nodes, given)), tuple(_held(solved, nodes, solved.plan.schedule.order))
    )


def _found(
    source: TrainingStep | ExportedProgram | Ordered, bind: Mapping[str, int] | None
) -> tuple[Traced, Solved]:
    """Return a graph with its plan."""
    if isinstance(source, ExportedProgram):
        request = Request(chosen_target("torch"), bind=dict(bind or {}))
        opened = open_source(source, request.bind)
        assert opened.model is not None, "an exported program is a model"
        return cast(Source, opened.model.proto).trace, run(request, opened, Watch())
    found = source.orders[0] if isinstance(source, TrainingStep) else source
    return found.trace, found.solved


def _held(solved: Solved, nodes: dict[str, Node], order: Sequence[int]) -> Iterator[Held]:
    """Yield what is alive at the peak of an order, the largest first."""
    problem, network = solved.network.problem, solved.network
    step = max(0, memory_along(problem, order).peak_step)
    lives = [life for life in lifetimes(problem, order) if life.birth <= step < life.death]
    for life in sorted(lives, key=lambda life: -life.size):
        name = network.name(life)
        node = nodes.get(name.removeprefix("scratch of "))
        yield Held(life.size, _owner(node), name, _line(node))


def _owner(node: Node | None) -> str:
    if node is None or node.op == "placeholder":
        return "input"
    return module_path(node) or "(no module)"


def _line(node: Node | None) -> str:
    """Return the innermost line of code of the user that made a node."""
    frames = _FRAME.findall((node.stack_trace if node else None) or "")
    ours = [(file, line) for file, line, _ in frames if not _LIBRARY.search(file)]
    return f"{Path(ours[-1][0]).name}:{ours[-1][1]}" if ours else ""


def _told(trace: Traced, solved: Solved) -> Solved:
    """Return the plan of a graph whose operators and tensors are called by module and line."""
    nodes = {node.name: node for node in trace.module.graph.nodes}

    def called(name: str) -> str:
        node = nodes.get(name)
        line = _line(node)
        return f"{_owner(node)}: {name}{f' ({line})' if line else ''}" if node else name

    def operator(each: Operator) -> Operator:
        return replace(each, name=called(each.name))

    def tensor(each: Tensor) -> Tensor:
        return replace(each, name=called(each.name))

    graph = replace(
        trace.graph,
        operators=tuple(map(operator, trace.graph.operators)),
        tensors=tuple(map(tensor, trace.graph.tensors)),
    )
    named: Traced = replace(trace, graph=graph)
    schedule = solved.plan.schedule

    def known(problem: Problem, limits: Limits, watch: Watch) -> Schedule:
        return schedule

    request = Request(chosen_target(solved.plan.target.name))
    return solve(request, open_source(model_in_memory(named)), Watch(), search=known)
