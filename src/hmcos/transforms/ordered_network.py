"""A network along one order: who makes and reads what, and the memory of every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate

from hmcos.alignment import round_up
from hmcos.graph.graph import Graph, Operator
from hmcos.graph.spelling import Spelling
from hmcos.graph.upkeep import NONE, Upkeep
from hmcos.graph.windows import KernelScratch, Spatial, Windows
from hmcos.memory.changes import without_external
from hmcos.memory.problem import Problem
from hmcos.memory.profile import Profile, profile
from hmcos.memory.sharing import Sharing, lower
from hmcos.memory.target import Target, kind_name


@dataclass(frozen=True, slots=True)
class Rules:
    """How the memory of a network and of its tiles is counted."""

    target: Target
    alignment: int
    """Bytes."""
    spelling: Spelling
    kernel: KernelScratch | None = None
    """The scratch of operators as a function of their shapes; replaces what the target has by name."""
    external_io: bool = False
    body_scratch: Mapping[int, int] = field(default_factory=dict[int, int])
    """Operator number to the bytes that its bodies need while it runs."""
    upkeep: Upkeep = NONE
    """What the runtime keeps for good for every operator; nothing where that is of no account."""

    def problem(self, graph: Graph, body_scratch: Mapping[int, int] | None = None) -> Sharing:
        """Return a graph as a problem, inputs and outputs counted; `body_scratch` is by its own numbers."""
        scratch = dict(body_scratch or {})
        if self.kernel is not None:
            for op in graph.operators:
                if not op.name and (asked := self.kernel(graph, op)):
                    scratch[op.number] = asked
        return lower(graph, self.target, scratch, self.alignment)

    def rounded(self, size: int) -> int:
        """Return a number of bytes rounded up to the alignment."""
        return round_up(size, self.alignment)

    def scratch_of_kind(self, kind: str) -> int:
        """Return the bytes that each operator of a kind needs while it runs."""
        return self.rounded(self.target.scratch_of_kind.get(kind, 0))


@dataclass(frozen=True)
class OrderedNetwork:
    """A network, what is known of its operators, and an order of those that are scheduled."""

    graph: Graph
    windows: Windows
    rules: Rules
    order: tuple[int, ...]
    """Operator numbers of the source; positions in it are what regions are given in."""

    def __len__(self) -> int:
        return len(self.order)

    @cached_property
    def sharing(self) -> Sharing:
        """The network as a problem, inputs and outputs counted."""
        rules = self.rules
        return lower(self.graph, rules.target, rules.body_scratch, rules.alignment)

    @cached_property
    def problem(self) -> Problem:
        """The network as a problem, as its memory is counted."""
        problem = self.sharing.problem
        return without_external(problem) if self.rules.external_io else problem

    @cached_property
    def profile(self) -> Profile:
        """The memory along the order."""
        number = {op: i for i, op in enumerate(self.sharing.numbers)}
        return profile(self.problem, [number[op] for op in self.order])

    @cached_property
    def stable(self) -> tuple[int, ...]:
        """Per position, and after the last one: bytes of what is live before its operator runs."""
        return (self.profile.start, *self.profile.stable)

    def kept(self, begin: int, end: int) -> int:
        """Return the bytes that the runtime keeps for good for the operators of a region."""
        return self._kept[end] - self._kept[begin]

    @cached_property
    def _kept(self) -> tuple[int, ...]:
        """Per position: the bytes kept for all operators before."""
        upkeep = self.rules.upkeep
        return tuple(accumulate((upkeep.of_source(n) for n in self.order), initial=0))

    def operator(self, position: int) -> Operator:
        """Return the operator at a position."""
        return self.graph.operators[self.order[position]]

    @cached_property
    def maker(self) -> dict[int, int]:
        """Tensor to the position of its operator; missing for inputs and parameters."""
        return {t: p for p, n in enumerate(self.order) for t in self.graph.operators[n].makes}

    @cached_property
    def last_read(self) -> dict[int, int]:
        """Tensor to the last position that reads it, or to the length of the order for what is kept."""
        found: dict[int, int] = {}
        for p in range(len(self)):
            for t in self.operator(p).reads:
                found[t] = p
        return found | {t: len(self) for t in self.graph.outputs}

    @cached_property
    def last_use(self) -> dict[int, int]:
        """Tensor to the last position at which its buffer is read under any name, or the order's length."""
        sharing, found = self.sharing, dict[int, int]()
        number = {op: p for p, op in enumerate(self.order)}
        held = sharing.problem.held
        for t, buffer in sharing.buffer_of.items():
            if buffer is not None:
                readers = (number[sharing.numbers[i]] for i in sharing.problem.readers[buffer])
                found[t] = len(self) if buffer in held else max(readers, default=-1)
        return found

    @cached_property
    def spatial(self) -> tuple[Spatial | None, ...]:
        """Per position: the maps of its operator, None where it has to stay whole."""
        return tuple(self._spatial(self.graph.operators[n]) for n in self.order)

    def _spatial(self, op: Operator) -> Spatial | None:
        found, target = self.windows[op.number], self.rules.target
        if not isinstance(found, Spatial) or op.is_random or op.bodies:
            return None
        if kind_name(op.kind, op.domain) in target.views:
            return None
        return None if self._has_scratch_by_name(op) else found

    def _has_scratch_by_name(self, op: Operator) -> bool:
        """Return whether a target says of one operator what it needs, of which no piece of it is known."""
        named, kernel = self.rules.target.scratch_of_operator, self.rules.kernel
        return op.name in named and (kernel is None or kernel(self.graph, op) != named[op.name])

    def size(self, tensor: int) -> int:
        """Return the bytes of a tensor as they are counted, rounded up; 0 where the caller supplies them."""
        return 0 if tensor in self.external else self.rules.rounded(self.graph.tensors[tensor].size)

    @cached_property
    def external(self) -> frozenset[int]:
        """Tensors whose memory the caller supplies: inputs, outputs, and views of them."""
        if not self.rules.external_io:
            return frozenset()
        problem = self.sharing.problem
        supplied = {*problem.inputs, *problem.kept}
        return frozenset(t for t, buffer in self.sharing.buffer_of.items() if buffer in supplied)

    @cached_property
    def macs(self) -> int:
        """Multiplications and additions of the whole network."""
        return sum(
            found.macs * self.graph.tensors[counted(op, found)].elements
            if isinstance(found, Spatial)
            else found.macs
            for op, found in zip(self.graph.operators, self.windows, strict=True)
            if op.makes and not self.graph.computes_parameters(op)
        )


def counted(op: Operator, spatial: Spatial) -> int:
    """Return the tensor that an operator's multiplications are counted by."""
    read = op.makes[0] if spatial.macs_of is None else op.inputs[spatial.macs_of]
    assert read is not None, "maps are of inputs that there are"
    return read


def along(graph: Graph, windows: Windows, rules: Rules, order: Sequence[int] | None = None) -> OrderedNetwork:
    """Return a network along an order of its scheduled operators, None for that of the source."""
    given = (op.number for op in graph.operators if not graph.computes_parameters(op))
    return OrderedNetwork(graph, windows, rules, tuple(given if order is None else order))
