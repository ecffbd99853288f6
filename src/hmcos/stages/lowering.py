"""An opened network as one problem, with the way back to the source."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hmcos.errors import OptionError
from hmcos.frontends.model import Model
from hmcos.graph.order import source_order
from hmcos.memory.external import without_external
from hmcos.memory.problem import Problem
from hmcos.memory.sharing import Sharing
from hmcos.memory.target import Target
from hmcos.plan.limits import Limits, Observer
from hmcos.plan.plan import BodyPlan, OperatorRow, TargetUsed
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.base import Scheduler
from hmcos.stages.bodies import Lowered, lower_with_bodies
from hmcos.stages.opening import Opened
from hmcos.stages.tflite import suited


@dataclass(frozen=True)
class Network:
    """A network as a problem, and how to find one in the other."""

    opened: Opened
    target: TargetUsed
    problem: Problem
    limits: Limits
    """What the bodies left of the limits."""
    lowered: Lowered | None
    """None for a network that was given as a problem."""

    @property
    def sharing(self) -> Sharing | None:
        """Which tensor is in which buffer; None for a network that was given as a problem."""
        return self.lowered.sharing if self.lowered else None

    @property
    def bodies(self) -> tuple[BodyPlan, ...]:
        """The orders of the graphs inside operators."""
        return self.lowered.bodies.plans if self.lowered else ()

    @property
    def numbers(self) -> tuple[int, ...]:
        """Operator of the problem to its number in the source."""
        return self.lowered.sharing.numbers if self.lowered else tuple(range(self.problem.operators))

    def find(self, search: Scheduler, observer: Observer) -> Schedule:
        """Return what a scheduler finds for the network."""
        if self.lowered is None:
            return search(self.problem, self.limits, observer)
        return self.lowered.find(search, self.limits, observer)

    def buffer_name(self, buffer: int) -> str:
        """Return the name of the tensor that a buffer was made for."""
        content, sharing = self.opened.content, self.sharing
        if isinstance(content, Model) and sharing is not None and sharing.tensors_of[buffer]:
            made_for = sharing.tensors_of[buffer][0]
            return content.graph.tensors[made_for].name or f"tensor {made_for}"
        return f"buffer {buffer}"

    def source_order(self, schedule: Schedule) -> tuple[int, ...]:
        """Return all node numbers of the source in the order of the schedule."""
        if not isinstance(self.opened.content, Model):
            return schedule.order
        numbers = self.numbers
        return source_order(self.opened.content.graph, [numbers[i] for i in schedule.order])

    def rows(self) -> tuple[OperatorRow, ...]:
        """Return one row per node of the source."""
        if not isinstance(self.opened.content, Model):
            return tuple(OperatorRow(i, name, "", "") for i, name in enumerate(self.problem.names))
        graph = self.opened.content.graph
        return tuple(
            OperatorRow(op.number, op.name, op.kind, graph.tensors[op.makes[0]].name if op.makes else "")
            for op in graph.operators
        )


def lower_network(
    opened: Opened,
    target: Target,
    alignment: int | None,
    limits: Limits,
    observer: Observer,
    external_io: bool = False,
) -> Network:
    """Return the network as a problem on a target, its bodies solved.

    A network that was given as a problem carries its own sharing rules: the target does not matter.
    With `external_io`, the caller supplies the memory of inputs and outputs, so they cost nothing.

    Raises:
        OptionError: the alignment is not positive.
    """
    if alignment is not None and alignment < 1:
        raise OptionError(f"an alignment is at least 1 byte, not {alignment}")
    if not isinstance(opened.content, Model):
        bytes_wide = alignment or 1
        problem = _aligned(opened.content, bytes_wide)
        problem = without_external(problem) if external_io else problem
        used = TargetUsed("instance", bytes_wide, external_io=external_io)
        return Network(opened, used, problem, limits, None)
    target = suited(target, opened.content)
    bytes_wide = target.alignment if alignment is None else alignment
    lowered, left = lower_with_bodies(opened.content.graph, target, bytes_wide, limits, observer)
    lowered = lowered.without_external() if external_io else lowered
    used = TargetUsed(target.name, bytes_wide, target.data, external_io)
    return Network(opened, used, lowered.sharing.problem, left, lowered)


def _aligned(problem: Problem, alignment: int) -> Problem:
    """Return the problem with all sizes rounded up."""
    if alignment == 1:
        return problem
    return replace(
        problem,
        sizes=tuple(-(-size // alignment) * alignment for size in problem.sizes),
        scratch=tuple(-(-size // alignment) * alignment for size in problem.scratch),
    )
