"""A network as a program of row steps in one arena: what code is generated from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from hmcos.graph.windows import AxisMap
from hmcos.limits import Status
from hmcos.memory.lifetimes import Life
from hmcos.memory.problem import Problem
from hmcos.plan.row_parts import RowTensor
from hmcos.plan.row_plan import PlannedOperator


class Feeding(StrEnum):
    """How the input of the network arrives."""

    WHOLE = "whole"
    """All of it is in the arena before the first step."""
    ROWS = "rows"
    """The caller hands over one row after the other; it is never in memory as a whole."""


@dataclass(frozen=True, slots=True)
class Rows:
    """How a network is to be run row by row."""

    input: Feeding | str = Feeding.WHOLE
    alignment: int = 1
    """Bytes; the offset of every row is a multiple of it."""


@dataclass(frozen=True, slots=True)
class RowOperator(PlannedOperator):
    """An operator of the source, in steps, with what its code has to know beside the plan."""

    rows: AxisMap | None = None
    """The window over the rows of the first input, folded padding included; None where there is none."""
    columns: AxisMap | None = None
    axes: tuple[int, ...] = ()
    """The axes of the first input that are summed over, ascending; for kinds that are told axes."""
    overwrites: tuple[int, ...] = ()
    """Positions of inputs whose dying row may hold the row that is made."""


@dataclass(frozen=True, slots=True)
class RowStep:
    """One step of one operator."""

    operator: int
    """Index in `RowProgram.operators`."""
    step: int


@dataclass(frozen=True)
class RowProgram:
    """Which row is made when and where."""

    operators: tuple[RowOperator, ...]
    """Those that run, in the order of the source; first the one that takes the input, if it comes by rows."""
    steps: tuple[RowStep, ...]
    """In the order in which they run."""
    tensors: tuple[RowTensor, ...]
    """All that have rows, views included; ascending."""
    inputs: tuple[int, ...]
    """Tensors; each is contiguous unless the input comes by rows."""
    outputs: tuple[int, ...]
    """Tensors; each is contiguous."""
    rows: Rows
    peak: int
    """Bytes: the most that is live at any step."""
    lower_bound: int
    """Bytes: proved, no order of these row steps needs less."""
    status: Status
    arena: int
    """Bytes."""
    arena_lower_bound: int
    """Bytes: proved, no arena for this order is smaller."""
    alignment: int
    """Bytes: what the start of the arena must be a multiple of."""
    drive: str
    """How the order was begun: the order of the operators, and in words how rows were driven."""
    cuts: tuple[int, ...]
    """How many operators had run at each place where only whole tensors were live, in that beginning."""
    problem: Problem
    """The steps as operators, the rows as buffers."""
    order: tuple[int, ...]
    """Operators of `problem`, in the order in which they run: `steps` as numbers."""
    lives: tuple[Life, ...]
    offsets: tuple[int, ...]
    """Bytes, per life."""
    seconds: float

    def tensor(self, tensor: int) -> RowTensor:
        """Return where the rows of a tensor are."""
        return self._tensors[tensor]

    @cached_property
    def _tensors(self) -> dict[int, RowTensor]:
        return {each.tensor: each for each in self.tensors}
