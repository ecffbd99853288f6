"""A plan: an order of one model, its memory and what was proved; it can be saved, drawn and verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from hmcos.limits import Status
from hmcos.plan.arena import Arena, PlacedBuffer
from hmcos.plan.memory_blocks import MemoryPlan
from hmcos.plan.rewriting import Rewriting
from hmcos.plan.schedule import Schedule
from hmcos.plan.whole_arena import WholeArenas
from hmcos.words import printable, shortened

UNUSED = "tensors that no operator uses"
"""What is live before the first step where the floor of a problem is more than its inputs."""
_NAMED = 60
"""Most characters of a name in the one-line description of a plan."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the network came from."""

    name: str
    """As given by the caller: a path, zoo:NAME, or a word in angle brackets for a value in memory."""
    format: str
    """`onnx`, `tflite`, `pt2`, or `hmcos-instance/1` for a problem."""
    sha256: str = ""
    """Digest of the bytes whose operators the order numbers; empty for a problem without a file."""
    original_sha256: str = ""
    """Digest of the file; differs from `sha256` if local functions were inlined."""
    inlined: bool = False
    """Whether local functions were inlined, so that node numbers refer to the inlined model."""
    bind: Mapping[str, int] = field(default_factory=dict[str, int])
    """Symbolic dimension to its size."""
    absolute: str = ""
    """The absolute path of the file; empty if there is no file."""
    relative: str = ""
    """The path of the file relative to the folder of the plan, with slashes; empty if there is none."""
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What was assumed of the source, or is not counted, each in one line."""

    @property
    def title(self) -> str:
        """The name for headlines: that of a file without its folders."""
        return Path(self.name).name if self.absolute else self.name


@dataclass(frozen=True, slots=True)
class TargetUsed:
    """The target of a plan: what may share memory, and the alignment."""

    name: str
    alignment: int
    """Bytes; every buffer is rounded up to a multiple of them."""
    data: Mapping[str, object] = field(default_factory=dict[str, object], repr=False)
    """The target file as a mapping; empty for a problem, which carries its own rules."""
    external_io: bool = False
    """Whether the caller supplies the memory of inputs and outputs, which is then not counted."""

    @property
    def kernels(self) -> str:
        """The name of the kernels whose scratch is counted; empty where there are none to choose."""
        return str(self.data.get("kernels", ""))

    @property
    def unknown_scratch(self) -> tuple[str, ...]:
        """Operators of which it is not known what scratch their kernels need; it counts as none."""
        scratch = cast("Mapping[str, Sequence[str]]", self.data.get("scratch", {}))
        return tuple(scratch.get("unknown", ()))


@dataclass(frozen=True, slots=True)
class OperatorRow:
    """All that identifies an operator to a reader: its name alone may be empty or repeated."""

    number: int
    """Position in the source's node list."""
    name: str
    kind: str
    output: str
    """Name of its first output; empty when it has none."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes in use, step by step, along the scheduled operators in the new order."""

    start: int
    """Before the first step: the inputs."""
    running: tuple[int, ...]
    """Per step: in use while the operator runs."""
    stable: tuple[int, ...]
    """Per step: in use after the operator has run."""


@dataclass(frozen=True, slots=True)
class LiveTensor:
    """A tensor, or the scratch of an operator, that is live at some moment."""

    name: str
    """For people, like that of a `PlacedBuffer`."""
    size: int
    """Bytes, rounded up to the alignment."""
    tensor: int | None = None
    """Id of the tensor that the buffer was made for; in a problem, the number of the buffer; None for
    scratch, and in plans of the first edition."""
    operator: int | None = None
    """For scratch, the number of its operator in the source; None for a tensor."""


@dataclass(frozen=True, slots=True)
class Crest:
    """The first moment at which the peak is reached."""

    step: int
    """Index into the scheduled operators in the new order; -1 if it is before the first step."""
    operator: int | None
    """Number of the operator that runs at this moment; None before the first step."""
    tensors: tuple[LiveTensor, ...]
    """All that is live at this moment, largest first; the sizes add up to the peak."""


@dataclass(frozen=True, slots=True)
class BodyPlan:
    """The order found for a graph inside an operator (If, Loop, Scan)."""

    path: str
    """Such as `node 17/then_branch`; for a nested body, the outer path, a slash and the inner path."""
    order: tuple[int, ...]
    """All node numbers of the body, in the new order."""
    peak: int
    """Bytes, without the graph around the body."""
    lower_bound: int
    status: Status


@dataclass(frozen=True, slots=True)
class Seconds:
    """Wall time per stage; `total` also covers the time between the stages."""

    load: float
    schedule: float
    save: float
    total: float


@dataclass(frozen=True, slots=True)
class Outputs:
    """Paths of the written files; None for those not written."""

    model: str | None = None
    plan: str | None = None
    header: str | None = None
    page: str | None = field(default=None, compare=False)
    """The page that explains the plan; not recorded in the plan file."""
    sha256: Mapping[str, str] = field(default_factory=dict[str, str])
    """Digests of the model, its data files and the header, by path relative to the plan, with slashes."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One order of one model, its memory, and what was proved about it. Sizes in bytes."""

    source: Source
    target: TargetUsed
    operators: tuple[OperatorRow, ...]
    """All nodes of the source, by number."""
    scheduled: tuple[int, ...]
    """Per operator of the searched problem: its number in the source, ascending."""
    schedule: Schedule
    """The result of the search; its order consists of indices into `scheduled`."""
    order: tuple[int, ...]
    """All node numbers of the source in the new order, also of nodes that only compute parameters."""
    given_peak: int
    """Peak of the order in the file."""
    rpo_peak: int
    """Peak of reverse post-order."""
    memory: Memory
    crest: Crest
    seconds: Seconds
    bodies: tuple[BodyPlan, ...] = ()
    outputs: Outputs = Outputs()
    arena: Arena | None = None
    """Offsets for `buffers`; None if no arena was requested, or several memories were."""
    buffers: tuple[PlacedBuffer, ...] = ()
    """Everything in the arena or the memories: inputs first, then by step."""
    largest_first_arena: int | None = None
    """Bytes of the arena that the planner of most runtimes, `largest_first`, makes for the same order."""
    file: str | None = field(default=None, compare=False)
    """The absolute path of the plan file that was read or written; None if there is none."""
    budget: int | None = None
    """The requested bytes; None if the least peak was requested."""
    rewriting: Rewriting | None = None
    """How the network was changed before it was scheduled; None if it is that of the source. All numbers of
    operators and tensors in the plan are those of the changed network."""
    tflm: WholeArenas | None = None
    """Whole arenas in TensorFlow Lite for Microcontrollers; None for other targets, or if nobody asks."""
    memories: MemoryPlan | None = None
    """Several memories for `buffers`, instead of one arena; None if none were named."""
    untiled: str = field(default="", compare=False)
    """Why the network was not tiled although that was asked for; not recorded in the plan file."""

    def __repr__(self) -> str:
        name, target = (shortened(printable(text), _NAMED) for text in (self.source.name, self.target.name))
        arena = "" if self.arena is None else f"; arena {self.arena.words}"
        arena += "" if self.memories is None else f"; {self.memories.words}"
        return f"<Plan of {name} on {target}: {len(self.order):,} operators, {self.schedule.words}{arena}>"

    def _repr_html_(self) -> str:
        """Return the plan as notebooks show it: a small table and the memory curve."""
        from hmcos.plan.notebook import plan_html  # noqa: PLC0415 (only notebooks use it)

        return plan_html(self)

    @property
    def peak(self) -> int:
        """The largest number of bytes in use at any moment."""
        return self.schedule.peak

    @property
    def lower_bound(self) -> int:
        """Proved: no order needs fewer bytes."""
        return self.schedule.lower_bound

    @property
    def status(self) -> Status:
        """How the search ended."""
        return self.schedule.status

    @property
    def has_places(self) -> bool:
        """Whether every buffer has a place, in an arena or in a memory."""
        return self.arena is not None or (self.memories is not None and self.memories.has_places)

    def fits_in_all(self, budget: int) -> Status:
        """Return whether all that must be declared for TensorFlow Lite for Microcontrollers fits a budget.

        `does not fit` is proved: the least head of any order is larger already. `feasible` is no proof: this
        plan needs more, or may need more, but another order or tiling may not. Nor is there a proof where the
        source has a head below the bound, by letting operators write over their input.
        """
        assert self.tflm is not None, "the plan says nothing of that"
        needed = self.tflm.planned
        if needed.declare <= budget and not needed.unknown:
            return Status.FITS
        is_bound = all(self.lower_bound <= form.head for _, form in self.tflm.forms)
        is_proved = self.lower_bound > budget and is_bound and self.rewriting is None and not self.untiled
        return Status.DOES_NOT_FIT if is_proved else Status.FEASIBLE

    @property
    def orders(self) -> dict[str, tuple[int, ...]]:
        """The node numbers of every graph in the new order, by path; the path of the main graph is empty."""
        return {"": self.order} | {body.path: body.order for body in self.bodies}

    @property
    def scheduled_order(self) -> tuple[int, ...]:
        """Numbers of the scheduled operators in the new order."""
        return tuple(self.scheduled[i] for i in self.schedule.order)
