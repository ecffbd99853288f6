"""A plan: everything that was found out about one model, ready to be saved, drawn and verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hmcos.limits import Status
from hmcos.plan.arena import Arena, PlacedBuffer
from hmcos.plan.schedule import Schedule
from hmcos.words import printable, shortened

_NAMED = 60
"""Characters of a name in one line about a plan."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the network came from."""

    name: str
    """As the caller named it: a path, zoo:NAME, or a word in angle brackets for a value in memory."""
    format: str
    """onnx, or hmcos-instance/1 for a problem given as numbers."""
    sha256: str = ""
    """Of the bytes that the order refers to; empty for a problem that has no file."""
    original_sha256: str = ""
    """Of the file as it was; differs from `sha256` when local functions were inlined."""
    inlined: bool = False
    """Whether local functions were inlined, so that node numbers refer to the inlined model."""
    bind: Mapping[str, int] = field(default_factory=dict[str, int])
    """Symbolic dimension to the value it was given."""
    absolute: str = ""
    """The path of the file from the root; empty for what has no file."""
    relative: str = ""
    """The path of the file from the folder of the plan, with slashes; empty where there is none."""

    @property
    def title(self) -> str:
        """What to call it in a headline: a file without its folders."""
        return Path(self.name).name if self.absolute else self.name


@dataclass(frozen=True, slots=True)
class TargetUsed:
    """What was allowed to share memory."""

    name: str
    alignment: int
    """Bytes: every buffer was rounded up to a multiple of it."""
    data: Mapping[str, object] = field(default_factory=dict[str, object], repr=False)
    """The target file as a mapping; empty for a problem, which carries its own rules."""
    external_io: bool = False
    """Whether the caller supplies the memory of inputs and outputs, so that it is not counted."""


@dataclass(frozen=True, slots=True)
class OperatorRow:
    """How a reader finds an operator again: names may be empty or repeated, so all four."""

    number: int
    """Position in the source's node list."""
    name: str
    kind: str
    output: str
    """Name of its first output; empty when it has none."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes along the scheduled operators, in the new order."""

    start: int
    """Before the first step: the inputs."""
    running: tuple[int, ...]
    """Per step: in use while its operator runs."""
    stable: tuple[int, ...]
    """Per step: in use after it."""


@dataclass(frozen=True, slots=True)
class LiveTensor:
    """A tensor (or the scratch of an operator) that takes memory at some moment."""

    name: str
    """For people, like that of a `PlacedBuffer`."""
    size: int
    """Bytes, rounded up to the alignment."""
    tensor: int | None = None
    """Id of the tensor that its buffer was made for, or in a problem the number of the buffer; None for
    scratch, and in plans of the first edition."""
    operator: int | None = None
    """Number, in the source, of the operator whose scratch this is; None for a tensor."""


@dataclass(frozen=True, slots=True)
class Crest:
    """The first moment at which the peak is reached."""

    step: int
    """Index into the scheduled operators in the new order; -1 when it is before the first step."""
    operator: int | None
    """Number of the operator that runs then; None before the first step."""
    tensors: tuple[LiveTensor, ...]
    """All that is live then, largest first; the sizes add up to the peak."""


@dataclass(frozen=True, slots=True)
class BodyPlan:
    """The order found for a graph inside an operator (If, Loop, Scan)."""

    path: str
    """Such as `node 17/then_branch`; nested ones go on with another slash."""
    order: tuple[int, ...]
    """All node numbers of the body, in the new order."""
    peak: int
    """Bytes, of the body alone."""
    lower_bound: int
    status: Status


@dataclass(frozen=True, slots=True)
class Seconds:
    """Wall time spent per stage; `total` also covers what lies between the stages."""

    load: float
    schedule: float
    save: float
    total: float


@dataclass(frozen=True, slots=True)
class Outputs:
    """Paths of what was written; None for what was not."""

    model: str | None = None
    plan: str | None = None
    header: str | None = None
    page: str | None = field(default=None, compare=False)
    """The page that explains the plan; a plan file does not tell of it."""
    sha256: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of the model, its data files and the header, by their paths from the plan's folder, with slashes."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One order of one model, what it costs, and what was proved about it. Sizes in bytes."""

    source: Source
    target: TargetUsed
    operators: tuple[OperatorRow, ...]
    """All nodes of the source, by number."""
    scheduled: tuple[int, ...]
    """Per operator of the problem that was searched: its number in the source, ascending."""
    schedule: Schedule
    """Its order indexes `scheduled`."""
    order: tuple[int, ...]
    """Every node number of the source in the new order, parameter-only nodes included."""
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
    """Offsets for `buffers`; None when no arena was asked for."""
    buffers: tuple[PlacedBuffer, ...] = ()
    """All that has a place in the arena: inputs first, then by step."""
    largest_first_arena: int | None = None
    """Bytes of the arena that the planner of most runtimes, largest first, makes for the same order."""
    file: str | None = field(default=None, compare=False)
    """The plan file that it was read from, or written to, from the root; None while there is none."""
    budget: int | None = None
    """Bytes that were asked for; None when the least was."""

    def __repr__(self) -> str:
        name, target = (shortened(printable(text), _NAMED) for text in (self.source.name, self.target.name))
        arena = "" if self.arena is None else f"; arena {self.arena.words}"
        return f"<Plan of {name} on {target}: {len(self.order):,} operators, {self.schedule.words}{arena}>"

    def _repr_html_(self) -> str:
        """Return the plan as notebooks show it: a small table, and the memory curve."""
        from hmcos.plan.notebook import plan_html  # noqa: PLC0415 (only notebooks ask for it)

        return plan_html(self)

    @property
    def peak(self) -> int:
        """The largest number of bytes in use at any moment."""
        return self.schedule.peak

    @property
    def lower_bound(self) -> int:
        """Proved: no order needs fewer bytes than this."""
        return self.schedule.lower_bound

    @property
    def status(self) -> Status:
        """How the search ended."""
        return self.schedule.status

    @property
    def orders(self) -> dict[str, tuple[int, ...]]:
        """All node numbers of every graph in its new order, by path; the path of the main graph is empty."""
        return {"": self.order} | {body.path: body.order for body in self.bodies}

    @property
    def scheduled_order(self) -> tuple[int, ...]:
        """Numbers of the scheduled operators in the new order."""
        return tuple(self.scheduled[i] for i in self.schedule.order)
