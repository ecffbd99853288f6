"""Which rows an operator of the source has to read, told by rows that are computed or come in.

This goes by the rules of the format, one operator at a time; what the plan says plays no part in it, but for
which tensors it computes at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hmcos.errors import VerifyError
from hmcos.graph.graph import Graph, Operator
from hmcos.graph.rowwise import (
    Moved,
    Permuted,
    Reduced,
    Refused,
    Reshaped,
    RowByRow,
    RowRules,
    Summed,
    row_axis,
    row_shape,
)

Row = tuple[int, int]
"""A tensor and one of its rows."""


@dataclass(frozen=True, slots=True)
class RowSources:
    """The rules of a network, and the tensors that have rows of their own."""

    graph: Graph
    rules: RowRules
    computed: frozenset[int]
    """Tensors that steps make, and inputs; all others are other names for, or parts of, rows of those."""

    def read(self, number: int, output: int, row: int) -> set[Row]:
        """Return the computed rows that a row of an operator's output is computed from.

        `output` is the position of that output. For operators that sum up, these are all rows of the sum.

        Raises:
            VerifyError: the operator cannot run in rows.
        """
        return self.behind(self._needed(self.graph.operators[number], output, row))

    def behind(self, rows: Iterable[Row]) -> set[Row]:
        """Return the computed rows that some rows are made of.

        Raises:
            VerifyError: they are made of something that is not computed.
        """
        found: set[Row] = set()
        open_ones = list(rows)
        seen = set(open_ones)
        while open_ones:
            t, row = open_ones.pop()
            if t in self.computed:
                found.add((t, row))
                continue
            maker = self.graph.producer.get(t)
            if maker is None:
                raise VerifyError(f"tensor {t} is read, but neither computed nor an input")
            op = self.graph.operators[maker]
            for one in self._needed(op, op.makes.index(t), row):
                if one not in seen:
                    seen.add(one)
                    open_ones.append(one)
        return found

    def is_moved(self, t: int) -> bool:
        """Return whether a tensor that is not computed consists of rows of others, unchanged."""
        rule = self.rules[self.graph.producer[t]] if t in self.graph.producer else None
        return isinstance(rule, Moved | Reshaped | Permuted)

    def overwrites(self, number: int) -> frozenset[int]:
        """Return the inputs of an operator whose row may hold the row that is made, by position."""
        rule = self.rules[number]
        return frozenset(rule.overwrites if isinstance(rule, RowByRow) else ())

    def _needed(self, op: Operator, output: int, row: int) -> Iterator[Row]:
        """Yield the rows of an operator's inputs that a row of an output needs."""
        rule = self.rules[op.number]
        match rule:
            case Refused():
                raise VerifyError(f"{op.title} {rule.reason}")
            case RowByRow():
                for position, needs in enumerate(rule.needs):
                    t = op.inputs[position]
                    if needs is not None and t is not None and self._has_rows(t):
                        yield from ((t, r) for r in needs[row])
            case Moved():
                position, r = rule.rows[output][row]
                t = op.inputs[position]
                if t is not None and self._has_rows(t):
                    yield t, r
            case Summed():
                yield from ((op.inputs[0] or 0, r) for r in rule.needed)
            case Reshaped():
                yield from self._same_bytes(op.inputs[0] or 0, op.makes[output], row)
            case Permuted():
                yield from self._permuted(op, rule, row)
            case Reduced():
                yield from self._kept_row(op, rule, row)
            case _:
                yield from self._all(op)

    def _has_rows(self, t: int) -> bool:
        return not self.graph.tensors[t].is_parameter

    def _all(self, op: Operator) -> Iterator[Row]:
        for t in dict.fromkeys(op.reads):
            if self._has_rows(t):
                yield from ((t, r) for r in range(row_shape(self.graph.tensors[t]).rows))

    def _same_bytes(self, t: int, made: int, row: int) -> Iterator[Row]:
        """Yield the rows of a tensor that hold the bytes of a row of another shape of it."""
        given, size = row_shape(self.graph.tensors[t]), row_shape(self.graph.tensors[made]).size
        first, last = row * size // given.size, ((row + 1) * size - 1) // given.size
        yield from ((t, r) for r in range(first, last + 1))

    def _permuted(self, op: Operator, rule: Permuted, row: int) -> Iterator[Row]:
        t, made = op.inputs[0] or 0, op.makes[0]
        before, after = self.graph.tensors[t].shape, self.graph.tensors[made].shape
        long = [axis for axis in rule.axes if before[axis] > 1]
        if long == sorted(long):  # the bytes stay where they are
            yield from self._same_bytes(t, made, row)
        elif len(before) > 1 and rule.axes[row_axis(after)] == row_axis(before):
            yield t, row
        else:
            yield from self._all(op)

    def _kept_row(self, op: Operator, rule: Reduced, row: int) -> Iterator[Row]:
        t = op.inputs[0] or 0
        tensor, made = self.graph.tensors[t], self.graph.tensors[op.makes[0]]
        same = row_shape(tensor).rows == row_shape(made).rows
        if same and len(tensor.shape) > 1 and row_axis(tensor.shape) not in rule.axes:
            yield t, row
        else:
            yield from self._all(op)
