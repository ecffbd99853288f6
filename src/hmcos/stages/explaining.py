"""Why a network needs its memory: what is live at the peak, which operators force it, what would help."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial

from hmcos.frontends.model import Model
from hmcos.graph.model import Graph, Operator, Tensor
from hmcos.hierarchy.tree import grow_tree
from hmcos.memory.bounds import must_live
from hmcos.memory.external import without_external
from hmcos.memory.lifetimes import Life, lifetimes
from hmcos.memory.problem import Problem
from hmcos.memory.profile import Profile, profile
from hmcos.memory.sharing import lower
from hmcos.memory.target import Condition, Overwrite, kind_name
from hmcos.memory.unavoidable import must_be_live
from hmcos.plan.limits import Limits
from hmcos.plan.plan import OperatorRow, Plan
from hmcos.schedulers.rpo import reverse_post_order
from hmcos.stages.advice import Advised, Change, Kind, advise, changes_of_tensors
from hmcos.stages.lowering import Network
from hmcos.stages.planned import planned_target

FORCED = 5
"""Operators whose bound is told."""


@dataclass(frozen=True, slots=True)
class Forced:
    """An operator, and what must be live while it runs, whatever the order."""

    operator: int
    """Index into the operators of the problem."""
    bytes: int
    buffers: tuple[int, ...]
    """Largest first; with what the operator makes and its scratch they add up to the bytes."""


@dataclass(frozen=True, slots=True)
class CellPeak:
    """A part of the network that is scheduled as one, and the most memory in use while it runs."""

    operators: tuple[int, ...]
    """Of the problem, ascending."""
    end: int
    """The operator that everything in it leads to, or comes from."""
    intrudes: bool
    """Whether it comes from `end` instead of leading to it."""
    bytes: int
    """In use at most while one of its operators runs, in the order of the plan."""


@dataclass(frozen=True)
class Explanation:
    """A plan with the network it is for, and all that there is to tell about its memory. Sizes in bytes."""

    network: Network
    plan: Plan
    forced: tuple[Forced, ...]
    """The operators with the highest bounds, the highest first."""
    cells: tuple[CellPeak, ...]
    """In the order in which the plan reaches them."""
    advised: Advised

    def __repr__(self) -> str:
        tried = f"{len(self.advised.advice)} of {self.advised.possible} changes tried"
        return f"<Explanation of {self.plan!r}: {tried}>"

    @property
    def problem(self) -> Problem:
        """The network as numbers."""
        return self.network.problem

    @cached_property
    def rows(self) -> tuple[OperatorRow, ...]:
        """Per operator of the problem: how to find it in the source."""
        return tuple(self.plan.operators[number] for number in self.plan.scheduled)

    @cached_property
    def lives(self) -> tuple[Life, ...]:
        """All that takes memory, in the order of the arena's offsets."""
        return lifetimes(self.problem, self.plan.schedule.order)

    @cached_property
    def given(self) -> Profile:
        """Memory along the order of the file."""
        return profile(self.problem, range(self.problem.operators))

    @cached_property
    def rpo(self) -> Profile:
        """Memory along reverse post-order."""
        return profile(self.problem, reverse_post_order(self.problem))

    @cached_property
    def live(self) -> tuple[int, ...]:
        """Indices of the lives at the first moment of the peak, largest first; they add up to the peak."""
        return at_peak(self.problem, self.plan, self.lives)

    @property
    def is_forced(self) -> bool:
        """Whether one operator forces the peak by what must be live beside it, whatever the order."""
        return bool(self.forced) and self.forced[0].bytes == self.plan.peak

    def least(self, life: Life, kind: Kind) -> int | None:
        """Return the proved least peak with a life halved or gone, in bytes; None where it is not known."""
        proved = (a for a in self.advised.advice if a.proved and a.change.kind is kind)
        return next((advice.peak for advice in proved if advice.change.life == life), None)

    def tensor(self, life: Life) -> Tensor | None:
        """Return the tensor that a life was made for; None for scratch, and in a problem."""
        content, sharing = self.network.opened.content, self.network.sharing
        if life.buffer is None or not isinstance(content, Model) or sharing is None:
            return None
        inside = sharing.tensors_of[life.buffer]
        return content.graph.tensors[inside[0]] if inside else None

    def name(self, life: Life) -> str:
        """Return what a life is called: as its tensor, or for what it is the scratch."""
        if life.buffer is None:
            return f"scratch of {self.problem.names[life.operator or 0]}"
        return self.network.buffer_name(life.buffer)


def explain_plan(network: Network, plan: Plan, limits: Limits) -> Explanation:
    """Return all that there is to tell about a plan; the limits are those of the advice."""
    lives = lifetimes(network.problem, plan.schedule.order)
    advised = advise(network.problem, tuple(_changes(network, plan, lives)), plan.schedule, limits)
    if network.lowered is not None and network.lowered.least is not None:
        # The scratch of bodies that were not solved is an upper bound: nothing is proved on top of it.
        open_ones = tuple(replace(one, proved=False) for one in advised.advice)
        advised = replace(advised, advice=open_ones, proved=False)
    return Explanation(
        network=network,
        plan=plan,
        forced=tuple(_forced(network.problem)),
        cells=_cells(network.problem, plan),
        advised=advised,
    )


def at_peak(problem: Problem, plan: Plan, lives: tuple[Life, ...]) -> tuple[int, ...]:
    """Return the indices of the lives at the first moment of the peak, largest first."""
    moment = max(plan.crest.step, 0)

    def is_live(life: Life) -> bool:
        entered = life.buffer is not None and problem.producer[life.buffer] < 0
        return life.birth <= moment < life.death and (plan.crest.step >= 0 or entered)

    live = [i for i, life in enumerate(lives) if is_live(life)]
    return tuple(sorted(live, key=lambda i: (-lives[i].size, i)))


def _forced(problem: Problem) -> Iterator[Forced]:
    needs = must_live(problem)
    highest = sorted(range(problem.operators), key=lambda op: (-needs[op], op))[:FORCED]
    for op in highest:
        yield Forced(op, needs[op], must_be_live(problem, op))


def _cells(problem: Problem, plan: Plan) -> tuple[CellPeak, ...]:
    tree, step = grow_tree(problem), [0] * problem.operators
    for place, op in enumerate(plan.schedule.order):
        step[op] = place
    found: list[CellPeak] = []
    for cell in tree.cells:
        inside = sorted(op for s in cell.sequences for op in tree.sequences.operators[s])
        most = max(plan.memory.running[step[op]] for op in inside)
        found.append(CellPeak(tuple(inside), cell.end, cell.intrudes, most))
    return tuple(sorted(found, key=lambda cell: min(step[op] for op in cell.operators)))


def _changes(network: Network, plan: Plan, lives: tuple[Life, ...]) -> Iterator[Change]:
    """Yield what to try, what needs no change of the network first."""
    problem = network.problem
    if not plan.target.external_io:
        yield Change(Kind.EXTERNAL, partial(without_external, problem))
    yield from _changes_in_place(network, plan)
    live = [lives[i] for i in at_peak(problem, plan, lives)]
    yield from changes_of_tensors(problem, live, plan.target.alignment)


def _changes_in_place(network: Network, plan: Plan) -> Iterator[Change]:
    """Yield, per kind of operators that may not write in place yet, the problem in which they may."""
    content, lowered = network.opened.content, network.lowered
    if not isinstance(content, Model) or lowered is None:
        return
    graph, scratch, alignment = content.graph, lowered.bodies.scratch, plan.target.alignment
    target, rule = planned_target(plan), Overwrite(None, first=False, condition=Condition.SAME_SHAPE)

    def with_kind(kind: str) -> Problem:
        wider = replace(target, overwrite={**target.overwrite, kind: rule})
        changed = lower(graph, wider, scratch, alignment).problem
        return without_external(changed) if plan.target.external_io else changed

    here = {kind_name(op.kind, op.domain) for op in graph.operators if _could_write_in_place(graph, op)}
    for kind in sorted(here - target.overwrite.keys() - target.views):
        yield Change(Kind.IN_PLACE, partial(with_kind, kind), operators=kind)


def _could_write_in_place(graph: Graph, op: Operator) -> bool:
    """Return whether an operator makes one tensor, and reads another of the same shape and width."""
    tensors = graph.tensors
    made = [tensors[t] for t in op.makes]
    read = (tensors[t] for t in op.inputs if t is not None and not tensors[t].is_parameter)
    return len(made) == 1 and any((t.shape, t.bits) == (made[0].shape, made[0].bits) for t in read)
