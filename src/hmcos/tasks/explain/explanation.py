"""Why a network needs its memory: what is live at the peak, which operators force it, what would help."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from hmcos.graph.graph import Tensor
from hmcos.hierarchy.tree import grow_tree
from hmcos.limits import Limits, Watch
from hmcos.memory.bounds import must_live, must_live_buffers
from hmcos.memory.lifetimes import Life
from hmcos.memory.problem import Problem
from hmcos.memory.profile import Profile, profile
from hmcos.network.lowering import Network
from hmcos.plan.plan import OperatorRow, Plan
from hmcos.schedulers.simple.rpo import reverse_post_order
from hmcos.tasks.explain.advice import Advised, Kind, advise
from hmcos.tasks.explain.candidates import changes_of
from hmcos.tasks.schedule.assembly import live_at_peak
from hmcos.tasks.schedule.solved import Solved

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

    solved: Solved
    forced: tuple[Forced, ...]
    """The operators with the highest bounds, the highest first."""
    cells: tuple[CellPeak, ...]
    """In the order in which the plan reaches them."""
    advised: Advised

    def __repr__(self) -> str:
        tried = f"{len(self.advised.advice)} of {self.advised.possible} changes tried"
        return f"<Explanation of {self.plan!r}: {tried}>"

    @property
    def plan(self) -> Plan:
        """What is explained."""
        return self.solved.plan

    @property
    def network(self) -> Network:
        """What the plan is for."""
        return self.solved.network

    @property
    def problem(self) -> Problem:
        """The network as numbers."""
        return self.network.problem

    @property
    def lives(self) -> tuple[Life, ...]:
        """All that takes memory, in the order of the arena's offsets."""
        return self.solved.lives

    @cached_property
    def rows(self) -> tuple[OperatorRow, ...]:
        """Per operator of the problem: how to find it in the source."""
        return tuple(self.plan.operators[number] for number in self.plan.scheduled)

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
        return live_at_peak(self.network, self.plan.crest.step, self.lives)

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
        tensors = self.network.tensors
        return next((tensors[t] for t in self.network.ids(life) if tensors), None)

    def name(self, life: Life) -> str:
        """Return what a life is called: as its tensor, or for what it is the scratch."""
        return self.network.name(life)


def explain_plan(solved: Solved, limits: Limits, watch: Watch) -> Explanation:
    """Return all that there is to tell about a plan; the limits are those of the advice."""
    problem, plan = solved.network.problem, solved.plan
    advised = advise(problem, tuple(changes_of(solved)), plan.schedule, limits, watch)
    if solved.network.open_bodies is not None:
        # The scratch of bodies that were not solved is an upper bound: nothing is proved on top of it.
        open_ones = tuple(replace(one, proved=False) for one in advised.advice)
        advised = replace(advised, advice=open_ones, proved=False)
    return Explanation(solved, tuple(_forced(problem)), _cells(problem, plan), advised)


def _forced(problem: Problem) -> Iterator[Forced]:
    needs = must_live(problem)
    highest = sorted(range(problem.operators), key=lambda op: (-needs[op], op))[:FORCED]
    for op in highest:
        yield Forced(op, needs[op], must_live_buffers(problem, op))


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
