"""A row plan: which row of which tensor is made when and where, and what is proved; it can be saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from hmcos.limits import Status
from hmcos.plan.plan import Source
from hmcos.plan.row_parts import Accumulator, Role, RowInput, RowTensor


@dataclass(frozen=True, slots=True)
class PlannedOperator:
    """An operator of the source, in steps."""

    number: int
    """In the source; -1 for the steps that take the input."""
    kind: str
    role: Role
    steps: int
    """Steps are numbered from 0; those whose rows nobody needs never run."""
    inputs: tuple[RowInput, ...]
    """Inputs that are computed, ascending by position; parameters are not among them."""
    makes: tuple[int, ...]
    """Tensors, in the order of the operator's outputs."""
    accumulator: Accumulator | None = None
    """For `Role.SUM` with more than one step."""
    folded: tuple[int, ...] = ()
    """Operators of the source that never run because this one does their work."""

    @property
    def title(self) -> str:
        """The operator as messages name it."""
        return f"{self.kind} {self.number}" if self.number >= 0 else self.kind


@dataclass(frozen=True, slots=True)
class PlannedTensor(RowTensor):
    """Where the rows of a tensor are, and what people call it."""

    name: str
    """May be empty or repeated."""


@dataclass(frozen=True, slots=True)
class WholePeak:
    """The memory of the same network when every operator runs at once, for comparison."""

    given_peak: int
    """Bytes in the order of the file, as the target tflm counts."""
    peak: int
    """Bytes in the best order found."""
    lower_bound: int
    """Bytes: proved, no order of whole operators needs less."""
    live: tuple[tuple[int, int], ...] = ()
    """What is live at the peak: tensors and bytes."""
    tflm: int | None = None
    """Bytes: the arena that TFLM reports for the model as it is; None if it was not run."""


@dataclass(frozen=True, slots=True)
class CodeFiles:
    """The files that were written with a plan."""

    code: str | None = None
    """Path of the C source as it was written; None if nothing was."""
    header: str | None = None
    plan: str | None = None
    sha256: Mapping[str, str] = field(default_factory=dict[str, str])
    """Digests by path from the folder of the plan."""


@dataclass(frozen=True)
class RowPlan:
    """Which row is made when and where."""

    source: Source
    name: str
    """What the functions of the code begin with."""
    sections: tuple[str, str]
    """The sections of constants and of the arena; empty for those of the compiler's choice."""
    by_rows: bool
    """Whether the caller hands over the input row by row."""
    rounded_to: int
    """Bytes: the search put rows at multiples of it, but for those inside of a block, such as the input's."""
    operators: tuple[PlannedOperator, ...]
    """Those that run, in the order of the source; first the one that takes the input, if it comes by rows."""
    steps: tuple[tuple[int, int], ...]
    """In the order in which they run: index in `operators`, number of the step."""
    tensors: tuple[PlannedTensor, ...]
    """All that have rows, views included; ascending."""
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
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
    """How the order was begun, in words."""
    cuts: tuple[int, ...]
    """How many operators had run at each place where only whole tensors were live, in that beginning."""
    flash: Mapping[str, int]
    """What of the code is constant, in words, to its bytes."""
    seconds: float
    """That the search took."""
    kernels: str = "plain"
    """Whose functions compute rows: `plain`, those in the code, or `cmsis-nn`."""
    scratch: Mapping[str, int] = field(default_factory=dict[str, int])
    """Bytes of memory beside the arena that CMSIS-NN needs, by what the processor has: `plain`, `dsp`, `mve`
    for Helium; empty for plain kernels."""
    whole: WholePeak | None = None
    files: CodeFiles = CodeFiles()
    file: str | None = field(default=None, compare=False)
    """Absolute path of the plan file; None for a plan that was not saved."""

    def __repr__(self) -> str:
        return (
            f"<RowPlan of {self.source.title!r}: {len(self.steps):,} row steps, arena {self.arena:,} bytes, "
            f"peak {self.peak:,} bytes, lower bound {self.lower_bound:,} bytes, {self.status}>"
        )

    @property
    def memory(self) -> int:
        """Bytes: the arena, and the most that CMSIS-NN needs beside it on any processor."""
        return self.arena + max(self.scratch.values(), default=0)

    @property
    def is_proved(self) -> bool:
        """Whether the arena is the least of all row-wise orders of these operators."""
        return self.status is Status.OPTIMAL and self.arena == self.lower_bound

    def tensor(self, tensor: int) -> PlannedTensor:
        """Return where the rows of a tensor are."""
        return self._tensors[tensor]

    @cached_property
    def _tensors(self) -> dict[int, PlannedTensor]:
        return {each.tensor: each for each in self.tensors}

    @cached_property
    def base(self) -> frozenset[int]:
        """The tensors that have rows of their own: what operators make, and the inputs."""
        return frozenset(self.inputs).union(*(operator.makes for operator in self.operators))
