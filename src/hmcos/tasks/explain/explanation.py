"""Explain why a network needs its memory: what is live at the peak, what forces it, what reduces it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from hmcos.graph.graph import Tensor
from hmcos.hierarchy.tree import grow_tree
from hmcos.limits import Limits, Watch
from hmcos.memory.bounds import must_live, must_live_buffers
from hmcos.memory.lifetimes import Life, live_at_peak
from hmcos.memory.problem import Problem
from hmcos.memory.profile import Profile, profile
from hmcos.network.lowering import Network
from hmcos.plan.plan import UNUSED, OperatorRow, Plan
from hmcos.schedulers.simple.rpo import reverse_post_order
from hmcos.tasks.explain.advice import Advised, Kind, advise
from hmcos.tasks.explain.candidates import changes_of
from hmcos.tasks.explain.tiling_advice import TilingAdvice, tiling_advice
from hmcos.tasks.schedule.solved import Solved

FORCED = 5
"""The number of operators whose bounds are shown."""


@dataclass(frozen=True, slots=True)
class Forced:
    """An operator, and what must be live while it runs in any order."""

    operator: int
    """Index into the operators of the problem."""
    bytes: int
    buffers: tuple[int, ...]
    """Largest first; together with the operator's outputs and scratch they add up to `bytes`."""


@dataclass(frozen=True, slots=True)
class CellPeak:
    """A part of the network that is scheduled as a unit, and the most memory in use while it runs."""

    operators: tuple[int, ...]
    """Of the problem, ascending."""
    end: int
    """The operator that everything in the cell leads to, or comes from."""
    intrudes: bool
    """Whether the cell comes from `end` instead of leading to it."""
    bytes: int
    """The most bytes in use while one of its operators runs in the order of the plan."""


@dataclass(frozen=True)
class Explanation:
    """A plan and its network, with everything that explains its memory. Sizes in bytes."""

    solved: Solved
    forced: tuple[Forced, ...]
    """The operators with the highest bounds, the highest first."""
    cells: tuple[CellPeak, ...]
    """In the order in which they run in the plan."""
    advised: Advised
    tiling: TilingAdvice

    def __repr__(self) -> str:
        tried = f"{len(self.advised.advice)} of {self.advised.possible} changes tried"
        return f"<Explanation of {self.plan!r}: {tried}>"

    @property
    def plan(self) -> Plan:
        """The plan to explain."""
        return self.solved.plan

    @property
    def network(self) -> Network:
        """The network of the plan."""
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
        """Indices of the lives at the first moment of the peak, largest first; they add up to the peak.

        There are none if the peak is what no operator uses.
        """
        if any(tensor.name == UNUSED for tensor in self.plan.crest.tensors):
            return ()
        return live_at_peak(self.problem, self.plan.crest.step, self.lives)

    @property
    def is_forced(self) -> bool:
        """Whether what must be live while one operator runs already forces the peak of any order."""
        return bool(self.forced) and self.forced[0].bytes == self.plan.peak

    def least(self, life: Life, kind: Kind) -> int | None:
        """Return the proved least peak in bytes with a life halved or removed; None if it is not known."""
        proved = (a for a in self.advised.advice if a.proved and a.change.kind is kind)
        return next((advice.peak for advice in proved if advice.change.life == life), None)

    def tensor(self, life: Life) -> Tensor | None:
        """Return the tensor that a life holds first; None for scratch, and in a problem."""
        tensors = self.network.tensors
        return next((tensors[t] for t in self.network.ids(life) if tensors), None)

    def name(self, life: Life) -> str:
        """Return the name of a life: that of its tensor, or `scratch of` an operator."""
        return self.network.name(life)


def explain_plan(solved: Solved, limits: Limits, watch: Watch, tiling: Limits | None = None) -> Explanation:
    """Return the explanation of a plan.

    `limits` apply to the search for advice, and `tiling` to the search for a tiling before it; None tries no
    tiling.
    """
    problem, plan = solved.network.problem, solved.plan
    tiled = tiling_advice(solved, tiling, watch)
    watch = watch.restarted()
    advised = advise(problem, tuple(changes_of(solved)), plan.schedule, limits, watch)
    if solved.network.open_bodies is not None:
        # The scratch of an unsolved body is only an upper bound, so nothing can be proved with it.
        open_ones = tuple(replace(one, proved=False) for one in advised.advice)
        advised = replace(advised, advice=open_ones, proved=False)
    return Explanation(solved, tuple(_forced(problem)), _cells(problem, plan), advised, tiled)


def _forced(problem: Problem) -> Iterator[Forced]:
    needs = must_live(problem)
    highest = sorted(range(problem.operators), key=lambda op: (-needs[op], op))[:FORCED]
    for op in highest:
        yield Forced(op, needs[op], must_live_buffers(problem, op))


def _cells(problem: Problem, plan: Plan) -> tuple[CellPeak, ...]:
    tree, step = grow_tree(problem), [0] * problem.operators
    for place, op in enumerate(plan.schedule.order):
        step[op] = place
    cells: list[CellPeak] = []
    for cell in tree.cells:
        inside = sorted(op for s in cell.sequences for op in tree.sequences.operators[s])
        most = max(plan.memory.running[step[op]] for op in inside)
        cells.append(CellPeak(tuple(inside), cell.end, cell.intrudes, most))
    return tuple(sorted(cells, key=lambda cell: min(step[op] for op in cell.operators)))
