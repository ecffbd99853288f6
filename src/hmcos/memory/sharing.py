"""Lowering a network on a target to a problem: which tensors share a buffer (memory model, Sharing)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from hmcos.alignment import round_up
from hmcos.errors import OptionError
from hmcos.graph.graph import Graph, Operator, Tensor
from hmcos.memory.problem import Problem
from hmcos.memory.target import Condition, Overwrite, Target, kind_name


@dataclass(frozen=True)
class Sharing:
    """A network as a problem, and which parts of the two correspond."""

    problem: Problem
    numbers: tuple[int, ...]
    """Per operator of the problem: its number in the source, ascending."""
    buffer_of: Mapping[int, int | None]
    """Tensor id to buffer, without parameters. None for a tensor without a buffer: an unread output that
    counts as scratch of its operator, or a view of a parameter."""
    raw_sizes: tuple[int, ...]
    """Bytes per buffer, before rounding up to the alignment."""
    alignment: int
    """Bytes."""

    @cached_property
    def tensors_of(self) -> tuple[tuple[int, ...], ...]:
        """Per buffer: the tensors in it, the one it was made for first; none if it only keeps an order."""
        tensors: list[list[int]] = [[] for _ in self.raw_sizes]
        for tensor, buffer in self.buffer_of.items():  # in the order in which they were made
            if buffer is not None:
                tensors[buffer].append(tensor)
        return tuple(map(tuple, tensors))


def lower(
    graph: Graph,
    target: Target,
    body_scratch: Mapping[int, int] | None = None,
    alignment: int | None = None,
) -> Sharing:
    """Return the problem of a network on a target.

    Args:
        graph: the network, in an executable order.
        target: what may share memory.
        body_scratch: operator number to the bytes that its bodies need while it runs.
        alignment: bytes, instead of the target's alignment.

    Raises:
        OptionError: the alignment is not positive.
    """
    align = target.alignment if alignment is None else alignment
    if align < 1:
        raise OptionError(f"an alignment is at least 1 byte, not {align}")
    lowering = _Lowering(graph, target, body_scratch or {}, align)
    for op in graph.operators:
        if not graph.computes_parameters(op):
            lowering.add(op)
    return lowering.result()


@dataclass
class _Rows:
    """The columns of the problem under construction, one entry per operator."""

    numbers: list[int] = field(default_factory=list[int])
    names: list[str] = field(default_factory=list[str])
    reads: list[tuple[int, ...]] = field(default_factory=list[tuple[int, ...]])
    makes: list[tuple[int, ...]] = field(default_factory=list[tuple[int, ...]])
    may_overwrite: list[tuple[int, ...]] = field(default_factory=list[tuple[int, ...]])
    scratch: list[int] = field(default_factory=list[int])


class _Lowering:
    """Lowers operators one by one, in source order, so that the buffers they read exist already."""

    def __init__(self, graph: Graph, target: Target, body_scratch: Mapping[int, int], alignment: int) -> None:
        self.graph, self.target = graph, target
        self.body_scratch, self.alignment = body_scratch, alignment
        self.outputs = frozenset(graph.outputs)
        self.raw_sizes: list[int] = []
        self.buffer_of: dict[int, int | None] = {}
        self.token_of: dict[int, int] = {}
        """Output of a view to a zero-size buffer; reading it makes an operator wait for the view."""
        self.last_random: int | None = None
        """The zero-size buffer of the latest random operator; the next one reads it, so that they keep
        their order."""
        self.rows = _Rows()
        for tensor in graph.inputs:
            self.new_tensor_buffer(tensor)
        self.inputs = tuple(range(len(self.raw_sizes)))

    def add(self, op: Operator) -> None:
        kind = kind_name(op.kind, op.domain)
        reads = self.reads(op)
        viewed = self.viewed(op) if kind in self.target.views else None
        overwrites: tuple[int, ...] = ()
        scratch = self.scratch(op, kind)
        if viewed is not None:
            makes = [self.new_view(viewed, op.makes[0])]
        else:
            rule = self.target.overwrite.get(kind)
            overwrites = () if rule is None else self.may_overwrite(op, rule)
            makes: list[int] = []
            for tensor in op.makes:
                if overwrites and not self.is_used(tensor):
                    scratch += self.round_up(self.graph.tensors[tensor].size)
                    self.buffer_of[tensor] = None
                elif not self.graph.tensors[tensor].is_parameter:
                    makes.append(self.new_tensor_buffer(tensor))
        if op.is_random:
            reads += () if self.last_random is None else (self.last_random,)
            self.last_random = self.new_buffer(0)
            makes.append(self.last_random)
        self.rows.numbers.append(op.number)
        self.rows.names.append(op.name or op.kind)
        self.rows.reads.append(reads)
        self.rows.makes.append(tuple(makes))
        self.rows.may_overwrite.append(overwrites)
        self.rows.scratch.append(scratch)

    def reads(self, op: Operator) -> tuple[int, ...]:
        buffers: dict[int, None] = {}
        for tensor in op.reads:
            buffer = self.buffer_of.get(tensor)
            if buffer is not None:
                buffers[buffer] = None
            if tensor in self.token_of:
                buffers[self.token_of[tensor]] = None
        return tuple(buffers)

    def viewed(self, op: Operator) -> int | None:
        """Return the tensor that an operator of a kind of views is a view of, None if it is not a view."""
        if op.is_random or not op.inputs or op.inputs[0] is None or len(op.makes) != 1:
            return None
        base, output = self.graph.tensors[op.inputs[0]], self.graph.tensors[op.makes[0]]
        return op.inputs[0] if output.size <= base.size else None

    def new_view(self, base: int, output: int) -> int:
        # A view of a parameter has no buffer, but its readers must still wait for it.
        self.buffer_of[output] = self.buffer_of.get(base)
        self.token_of[output] = self.new_buffer(0)
        return self.token_of[output]

    def may_overwrite(self, op: Operator, rule: Overwrite) -> tuple[int, ...]:
        """Return the buffers that the operator's only used output may overwrite by a rule."""
        used = [tensor for tensor in op.makes if self.is_used(tensor)]
        if op.is_random or len(used) != 1 or not self.graph.tensors[used[0]].size:
            return ()
        allowed = self.allowed_positions(op, rule, self.graph.tensors[used[0]])
        # A buffer that is also read at a position that is not allowed could be read after it is overwritten.
        spoiled = {
            self.buffer_of.get(tensor)
            for position, tensor in enumerate((*op.inputs, *op.captured))
            if tensor is not None and position not in allowed
        }
        buffers = [self.buffer_of[tensor] for p in allowed if (tensor := op.inputs[p]) is not None]
        chosen = dict.fromkeys(buffers[:1] if rule.first else buffers)
        return tuple(
            b
            for b in chosen
            if b is not None and b not in spoiled and (self.target.overwrite_inputs or b >= len(self.inputs))
        )

    def allowed_positions(self, op: Operator, rule: Overwrite, output: Tensor) -> list[int]:
        """Return the positions of inputs that fill their buffers and that the rule allows, ascending."""
        positions: list[int] = []
        for position, tensor in enumerate(op.inputs):
            if tensor is None or (rule.positions is not None and position not in rule.positions):
                continue
            buffer = self.buffer_of.get(tensor)
            read = self.graph.tensors[tensor]
            if (read.at_most or output.at_most) and len(op.reads) > 1:
                continue  # equal bounds are not equal sizes: the input may be broadcast when it runs
            if buffer is not None and read.size == self.raw_sizes[buffer] and _alike(rule, read, output):
                positions.append(position)
        return positions

    def is_used(self, tensor: int) -> bool:
        return tensor in self.outputs or tensor in self.graph.readers

    def scratch(self, op: Operator, kind: str) -> int:
        target = self.target
        own = target.scratch_of_kind.get(kind, 0)
        own += target.scratch_of_operator.get(op.name, 0)
        inside = max(self.round_up(self.body_scratch.get(op.number, 0)), self.hidden(op))
        return self.round_up(own) + inside

    def hidden(self, op: Operator) -> int:
        """Return the bytes that an operator holds at most besides its inputs and outputs."""
        if not op.temporaries:
            return 0
        made = sum(self.round_up(self.graph.tensors[t].size) for t in op.makes)
        return max(0, sum(map(self.round_up, op.temporaries)) - made)

    def new_tensor_buffer(self, tensor: int) -> int:
        self.buffer_of[tensor] = buffer = self.new_buffer(self.graph.tensors[tensor].size)
        return buffer

    def new_buffer(self, size: int) -> int:
        self.raw_sizes.append(size)
        return len(self.raw_sizes) - 1

    def round_up(self, size: int) -> int:
        return round_up(size, self.alignment)

    def result(self) -> Sharing:
        rows = self.rows
        held = (self.buffer_of.get(tensor) for tensor in (*self.graph.outputs, *self.graph.held))
        problem = Problem(
            names=tuple(rows.names),
            sizes=tuple(map(self.round_up, self.raw_sizes)),
            inputs=self.inputs,
            kept=tuple(sorted({b for b in held if b is not None})),
            reads=tuple(rows.reads),
            makes=tuple(rows.makes),
            may_overwrite=tuple(rows.may_overwrite),
            scratch=tuple(rows.scratch),
            floor=self.round_up(self.target.floor),
        )
        return Sharing(problem, tuple(rows.numbers), self.buffer_of, tuple(self.raw_sizes), self.alignment)


def _alike(rule: Overwrite, read: Tensor, output: Tensor) -> bool:
    if rule.condition is Condition.SAME_SIZE:
        return read.size == output.size
    return read.shape == output.shape and read.bits == output.bits
