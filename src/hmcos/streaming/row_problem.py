"""A row network as a problem: every row is a buffer, every row step an operator."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from hmcos.memory.problem import Problem
from hmcos.plan.row_parts import Role
from hmcos.streaming.program import Feeding, RowOperator, Rows, RowStep
from hmcos.streaming.row_network import Row, RowNetwork


@dataclass(frozen=True)
class RowProblem:
    """The problem of a row network, and what its numbers mean."""

    network: RowNetwork
    rows: Rows
    problem: Problem
    steps: tuple[RowStep, ...]
    """Per operator of the problem."""
    steps_of: tuple[range, ...]
    """Per operator of the network: its operators in the problem, by step; some steps are left out."""
    buffer_of: dict[Row, int]
    """Rows that are made, or come in, to their buffers; views are not among them."""
    accumulators: dict[int, int]
    """Buffers that are accumulators, to the operator of the network."""

    def buffers(self, tensor: int) -> list[int | None]:
        """Return the buffer of each row of a tensor; None for a row that nobody makes."""
        return [self.buffer_of.get(row) for row in self.network.place_of[tensor]]


def row_problem(network: RowNetwork, rows: Rows) -> RowProblem:
    """Return a row network as a problem, its steps in the order of the network's operators.

    Rows that nobody needs are not made. Rows of a whole input that nobody reads die with their neighbour:
    only the arena has to have room for them.
    """
    building = _Building(network, rows)
    building.add_inputs()
    for index, operator in enumerate(network.operators):
        building.add_operator(index, operator)
    building.read_neglected_rows()
    return building.built()


@dataclass
class _Building:
    network: RowNetwork
    rows: Rows
    sizes: list[int] = field(default_factory=list[int])
    inputs: list[int] = field(default_factory=list[int])
    buffer_of: dict[Row, int] = field(default_factory=dict[Row, int])
    accumulators: dict[int, int] = field(default_factory=dict[int, int])
    names: list[str] = field(default_factory=list[str])
    reads: list[list[int]] = field(default_factory=list[list[int]])
    makes: list[tuple[int, ...]] = field(default_factory=list[tuple[int, ...]])
    overwrites: list[tuple[int, ...]] = field(default_factory=list[tuple[int, ...]])
    steps: list[RowStep] = field(default_factory=list[RowStep])
    steps_of: list[range] = field(default_factory=list[range])

    def __post_init__(self) -> None:
        self.pinned = frozenset[int]()
        self.wanted = _wanted(self.network)
        graph = self.network.graph
        self.contiguous = {
            row.tensor
            for t in graph.outputs
            if len(self.network.place_of[t]) > 1
            for row in self.network.place_of[t]
        }
        """Tensors whose rows lie side by side, so that they cannot lie where another row died."""

    def add_inputs(self) -> None:
        if self.rows.input is Feeding.WHOLE:
            for t in self.network.graph.inputs:
                shape = self.network.shapes[t]
                self.inputs += [self._buffer(Row(t, row), shape.size) for row in range(shape.rows)]
        self.pinned = frozenset(self.inputs)

    def add_operator(self, index: int, operator: RowOperator) -> None:
        first = len(self.steps)
        token: int | None = None
        for step in range(operator.steps):
            if operator.role is Role.FEED:
                token = self._add_feed(index, operator, step, token)
            elif operator.role is Role.SUM:
                token = self._add_sum(index, operator, step, token)
            else:
                self._add_step(index, operator, step)
        self.steps_of.append(range(first, len(self.steps)))

    def _buffer(self, row: Row | None, size: int) -> int:
        self.sizes.append(size)
        if row is not None:
            self.buffer_of[row] = len(self.sizes) - 1
        return len(self.sizes) - 1

    def _made(self, operator: RowOperator, rows: Iterable[int] | None) -> tuple[int, ...]:
        """Return new buffers for rows of an operator's outputs that somebody needs; None means all rows."""
        made: list[int] = []
        for t in operator.makes:
            shape = self.network.shapes[t]
            each = (Row(t, row) for row in (range(shape.rows) if rows is None else rows))
            made += [self._buffer(row, shape.size) for row in each if row in self.wanted]
        return tuple(made)

    def _read(self, operator: RowOperator, step: int) -> list[int]:
        return [
            self.buffer_of[self.network.place_of[read.tensor][row]]
            for read in operator.inputs
            for row in read.needs[step]
        ]

    def _add(
        self, index: int, step: int, reads: Sequence[int], makes: tuple[int, ...], over: Iterable[int] = ()
    ) -> None:
        self.names.append(f"{self.network.operators[index].title} row {step}")
        self.steps.append(RowStep(index, step))
        self.reads.append(list(dict.fromkeys(reads)))
        self.makes.append(makes)
        self.overwrites.append(tuple(dict.fromkeys(over)))

    def _add_feed(self, index: int, operator: RowOperator, step: int, before: int | None) -> int:
        """Add a step that takes a row; a buffer without bytes keeps the rows in order. Return that buffer."""
        reads = [] if before is None else [before]
        made = self._made(operator, (step,))
        after = self._buffer(None, 0)
        self._add(index, step, reads, (*made, after))
        return after

    def _add_sum(self, index: int, operator: RowOperator, step: int, before: int | None) -> int | None:
        """Add a step of a sum and return the buffer of the sums after it; None after the last step."""
        if all(Row(t, 0) not in self.wanted for t in operator.makes):
            return None
        over = [] if before is None else [before]
        reads = [*over, *self._read(operator, step)]
        if step == operator.steps - 1:
            makes = self._made(operator, (0,))
            self._add(index, step, reads, makes, over)
            return None
        assert operator.accumulator is not None
        after = self._buffer(None, operator.accumulator.size)
        self.accumulators[after] = index
        self._add(index, step, reads, (after,), over)
        return after

    def _add_step(self, index: int, operator: RowOperator, step: int) -> None:
        made = self._made(operator, (step,) if operator.role is Role.ROW else None)
        if not made:
            return
        over: list[int] = []
        if len(made) == 1 and self.contiguous.isdisjoint(operator.makes):
            over = [
                b
                for read in operator.inputs
                if read.position in operator.overwrites
                for row in read.needs[step]
                if not self._is_askew(b := self.buffer_of[self.network.place_of[read.tensor][row]])
            ]
        self._add(index, step, self._read(operator, step), made, over)

    def _is_askew(self, b: int) -> bool:
        """Return whether a row lies where no aligned row may: in the block of the input."""
        return b in self.pinned and self.sizes[b] % self.rows.alignment != 0

    def read_neglected_rows(self) -> None:
        """Let rows of a whole input that nobody reads die with the nearest row that somebody reads."""
        last_reader: dict[int, int] = {}
        for step, reads in enumerate(self.reads):
            for b in reads:
                last_reader[b] = step
        kept = self._kept()
        for t in self.network.graph.inputs if self.inputs else ():
            buffers = [self.buffer_of[Row(t, row)] for row in range(self.network.shapes[t].rows)]
            read = [k for k, b in enumerate(buffers) if b in last_reader]
            for k, b in enumerate(buffers):
                if b not in last_reader and b not in kept and read:
                    nearest = min(read, key=lambda other: (abs(other - k), other))
                    self.reads[last_reader[buffers[nearest]]].append(b)

    def _kept(self) -> tuple[int, ...]:
        rows = [row for t in self.network.graph.outputs for row in self.network.place_of[t]]
        return tuple(dict.fromkeys(self.buffer_of[row] for row in rows))

    def built(self) -> RowProblem:
        problem = Problem(
            names=tuple(self.names),
            sizes=tuple(self.sizes),
            inputs=tuple(self.inputs),
            kept=self._kept(),
            reads=tuple(map(tuple, self.reads)),
            makes=tuple(self.makes),
            may_overwrite=tuple(self.overwrites),
            scratch=(0,) * len(self.steps),
        )
        return RowProblem(
            self.network,
            self.rows,
            problem,
            tuple(self.steps),
            tuple(self.steps_of),
            self.buffer_of,
            self.accumulators,
        )


def _wanted(network: RowNetwork) -> set[Row]:
    """Return the rows that lead to an output; views are told by the rows that they are."""
    place_of = network.place_of
    wanted = {row for t in network.graph.outputs for row in place_of[t]}
    for operator in reversed(network.operators):
        for step in range(operator.steps):
            if _is_wanted(operator, step, network, wanted):
                wanted.update(
                    place_of[read.tensor][row] for read in operator.inputs for row in read.needs[step]
                )
    return wanted


def _is_wanted(operator: RowOperator, step: int, network: RowNetwork, wanted: set[Row]) -> bool:
    """Return whether a step makes, or helps to make, a row that is wanted."""
    if operator.role is Role.ROW:
        return any(Row(t, step) in wanted for t in operator.makes)
    return any(Row(t, row) in wanted for t in operator.makes for row in range(network.shapes[t].rows))
