"""The operators of a graph as they run row by row: views have no steps, some become parts of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import NamedTuple

from hmcos.errors import ModelError
from hmcos.graph.graph import Graph, Operator
from hmcos.graph.rowwise import (
    AtOnce,
    Dense,
    Known,
    Moved,
    Needs,
    Permuted,
    Reduced,
    Refused,
    Reshaped,
    RowByRow,
    RowRule,
    RowRules,
    RowShape,
    Summed,
    every_row,
    row_axis,
    row_shape,
    same_rows,
    sum_width,
)
from hmcos.graph.windows import AxisMap, Window
from hmcos.plan.row_parts import Accumulator, Role, RowInput
from hmcos.streaming.program import Feeding, RowOperator, Rows

MOST_ROWS = 1 << 18
"""Rows of all tensors that are ordered; more take too much time and memory."""
_NAMED = 4
"""Inputs that a refusal names."""


class Row(NamedTuple):
    """One row of a tensor."""

    tensor: int
    row: int


@dataclass(frozen=True)
class RowNetwork:
    """What runs, and which rows are the same bytes."""

    graph: Graph
    operators: tuple[RowOperator, ...]
    """In an executable order."""
    shapes: dict[int, RowShape]
    """Per tensor that has rows."""
    place_of: dict[int, tuple[Row, ...]]
    """Per tensor and row the row whose bytes it is: its own, or for a view that of another tensor."""


def row_network(graph: Graph, rules: RowRules, rows: Rows) -> RowNetwork:
    """Return a graph as operators with row steps.

    Raises:
        ModelError: an operator cannot run row by row, or an output is a constant; names it and the way out.
    """
    folding = _Folding(graph, rules)
    for t in graph.inputs:
        folding.add_tensor(t)
    if rows.input is Feeding.ROWS:
        folding.feed()
    for op in graph.operators:
        if not graph.computes_parameters(op):
            folding.add(op)
    if not any(operator.number >= 0 for operator in folding.operators):
        raise ModelError("no operator of the network has to run; there is nothing to compile")
    if not graph.outputs:
        raise ModelError("the network has no output; there is nothing to compile")
    many = sum(shape.rows for shape in folding.shapes.values())
    if many > MOST_ROWS:
        raise ModelError(
            f"the network has {many:,} rows, more than the {MOST_ROWS:,} that can be ordered; "
            "hmcos schedule orders whole operators"
        )
    for t in graph.outputs:
        if t not in folding.place_of:
            raise ModelError(f"output {graph.tensors[t].name!r} is a constant; remove it from the outputs")
    return RowNetwork(graph, tuple(folding.operators), folding.shapes, folding.place_of)


class _Behind(NamedTuple):
    """A tensor that is never made, because its readers do the work."""

    tensor: int
    """The one behind it."""
    folded: tuple[int, ...]
    """The operators between."""
    rule: RowRule


@dataclass
class _Folding:
    graph: Graph
    rules: RowRules
    operators: list[RowOperator] = field(default_factory=list["RowOperator"])
    shapes: dict[int, RowShape] = field(default_factory=dict[int, RowShape])
    place_of: dict[int, tuple[Row, ...]] = field(default_factory=dict[int, tuple[Row, ...]])
    behind: dict[int, _Behind] = field(default_factory=dict[int, _Behind])
    """Tensors that some readers look through; others may still read what is made."""

    def add_tensor(self, t: int, places: Sequence[Row] | None = None) -> None:
        """Add a tensor with rows of its own, or as a view of others."""
        tensor = self.graph.tensors[t]
        if not tensor.elements:
            raise ModelError(f"tensor {t} ({tensor.name!r}) is empty; leave it outside of the network")
        if tensor.bits % 8:
            known = f"elements of {tensor.bits} bits; only whole bytes can be compiled"
            raise ModelError(f"tensor {t} ({tensor.name!r}) has {known}")
        self.shapes[t] = row_shape(tensor)
        self.place_of[t] = tuple(places or (Row(t, row) for row in range(self.shapes[t].rows)))

    def feed(self) -> None:
        """Add the steps that take the input row by row.

        Raises:
            ModelError: the network has several inputs, or none.
        """
        if len(self.graph.inputs) != 1:
            names = [repr(self.graph.tensors[t].name) for t in self.graph.inputs]
            listed = ", ".join(names[:_NAMED]) + ", ..." * (len(names) > _NAMED)
            raise ModelError(
                f"the network has {len(names)} inputs ({listed}); only a single one can come by rows: "
                "take them whole (--input whole), or join them into one in the model"
            )
        t = self.graph.inputs[0]
        self.operators.append(RowOperator(-1, "INPUT", Role.FEED, self.shapes[t].rows, (), (t,)))

    def add(self, op: Operator) -> None:
        """Add an operator: as steps, as a view, or as a part of its readers."""
        rule = self.rules[op.number]
        match rule:
            case Refused():
                raise ModelError(f"{op.title} {rule.reason}")
            case Known():
                pass
            case Moved():
                self._move(op, rule)
            case Reshaped():
                self._reshape(op)
            case Permuted():
                self._permute(op, rule)
            case Reduced():
                self._reduce(op, rule)
            case Dense():
                self._dense(op)
            case Summed():
                self._sum(op, op.inputs[0] or 0, rule)
            case RowByRow():
                self._row_by_row(op, rule)
            case AtOnce():
                self._at_once(op)

    def _readers(self, t: int) -> list[Operator]:
        """Return the operators that read the elements of a tensor, not only its shape."""
        numbers = self.graph.readers.get(t, ())
        return [self.graph.operators[n] for n in numbers if not isinstance(self.rules[n], Known)]

    # -- What runs in steps ---------------------------------------------------------------------------------

    def _run(self, operator: RowOperator) -> None:
        for t in operator.makes:
            self.add_tensor(t)
        self.operators.append(operator)

    def _row_by_row(self, op: Operator, rule: RowByRow) -> None:
        if rule.surrounds and self._is_looked_through(op, rule):
            return
        inputs: list[RowInput] = []
        rows, columns, folded = rule.rows, rule.columns, ()
        for position, given in enumerate(rule.needs):
            t, needs = op.inputs[position], given
            if needs is None or t is None:
                continue
            behind = self.behind.get(t)
            if behind and isinstance(behind.rule, RowByRow) and rule.outside_is_zero and position == 0:
                pad = behind.rule
                t, folded, needs = behind.tensor, behind.folded, _through(needs, pad.needs[0] or ())
                rows, columns = _padded(rows, pad.rows), _padded(columns, pad.columns)
            inputs.append(RowInput(position, t, needs))
        count = max((row_shape(self.graph.tensors[t]).rows for t in op.makes), default=1)
        self._run(
            RowOperator(
                op.number,
                op.kind,
                Role.ROW,
                count,
                tuple(inputs),
                op.makes,
                folded=folded,
                rows=rows,
                columns=columns,
                overwrites=rule.overwrites,
            )
        )

    def _is_looked_through(self, op: Operator, rule: RowByRow) -> bool:
        """Let convolutions that read a PAD do its work; return whether nobody is left for whom it runs."""
        source, made = op.inputs[0], op.makes[0]
        if source is None:
            return False
        readers = self._readers(made)
        rules = [self.rules[reader.number] for reader in readers]
        folds = [
            isinstance(each, RowByRow) and each.outside_is_zero and reader.inputs.index(made) == 0
            for each, reader in zip(rules, readers, strict=True)
        ]
        if any(folds):
            self.behind[made] = _Behind(source, (op.number,), rule)
        return bool(folds) and all(folds) and made not in self.graph.outputs

    def _at_once(self, op: Operator) -> None:
        inputs = [
            RowInput(position, t, (tuple(range(self.shapes[t].rows)),))
            for position, t in enumerate(op.inputs)
            if t is not None and t in self.shapes
        ]
        self._run(RowOperator(op.number, op.kind, Role.WHOLE, 1, tuple(inputs), op.makes))

    def _sum(
        self,
        op: Operator,
        t: int,
        rule: Summed,
        axes: tuple[int, ...] = (),
        folded: tuple[int, ...] = (),
    ) -> None:
        needed = rule.needed
        elements = self.graph.tensors[op.makes[0]].elements
        accumulator = Accumulator(elements, rule.width) if len(needed) > 1 else None
        read = RowInput(0, t, tuple((row,) for row in needed))
        made = RowOperator(op.number, op.kind, Role.SUM, len(needed), (read,), op.makes, accumulator, folded)
        self._run(replace(made, rows=rule.rows, columns=rule.columns, axes=axes))

    def _reduce(self, op: Operator, rule: Reduced) -> None:
        t, axes, folded = op.inputs[0] or 0, rule.axes, ()
        behind = self.behind.get(t)
        if behind and isinstance(behind.rule, Permuted):
            t, folded = behind.tensor, behind.folded
            axes = tuple(sorted(behind.rule.axes[axis] for axis in axes))
        tensor, made = self.graph.tensors[t], row_shape(self.graph.tensors[op.makes[0]])
        given = row_shape(tensor)
        if made.rows == 1 and (given.rows == 1 or row_axis(tensor.shape) in axes):
            summed = prod(tensor.shape[axis] for axis in axes)
            width = sum_width(summed, tensor.bits) if rule.widens else tensor.bits // 8
            self._sum(op, t, Summed(tuple(range(given.rows)), width), axes, folded)
            return
        if given.rows == made.rows and row_axis(tensor.shape) not in axes:
            needs, role = same_rows(made.rows), Role.ROW
        else:
            needs, role = every_row(1, given.rows), Role.WHOLE
        read = RowInput(0, t, needs)
        self._run(
            RowOperator(op.number, op.kind, role, len(needs), (read,), op.makes, axes=axes, folded=folded)
        )

    def _dense(self, op: Operator) -> None:
        t, folded = op.inputs[0] or 0, ()
        behind = self.behind.get(t)
        if behind and isinstance(behind.rule, Reshaped):
            t, folded = behind.tensor, behind.folded
        given, out = self.shapes[t], self.graph.tensors[op.makes[0]]
        pays = given.rows == 1 or 4 * out.elements <= given.rows * given.size
        if row_shape(out).rows == 1 and pays:
            self._sum(op, t, Summed(tuple(range(given.rows)), 4), folded=folded)
            return
        read = RowInput(0, t, every_row(1, given.rows))
        self._run(RowOperator(op.number, op.kind, Role.WHOLE, 1, (read,), op.makes, folded=folded))

    # -- What only moves bytes ------------------------------------------------------------------------------

    def _may_share(self, op: Operator, places: Sequence[Sequence[Row]]) -> bool:
        """Return whether outputs can be views of these rows: no output has to lie elsewhere."""
        inputs, outputs = self.graph.inputs, self.graph.outputs
        return not any(
            t in outputs and (len(rows) > 1 or rows[0].tensor in inputs)
            for t, rows in zip(op.makes, places, strict=True)
        )

    def _move(self, op: Operator, rule: Moved) -> None:
        places = [
            [self.place_of[op.inputs[position] or 0][row] for position, row in rows] for rows in rule.rows
        ]
        if self._may_share(op, places):
            for t, rows in zip(op.makes, places, strict=True):
                self.add_tensor(t, rows)
            return
        count = max(len(rows) for rows in rule.rows)
        inputs: list[RowInput] = []
        for position, t in enumerate(op.inputs):
            needs = tuple(
                tuple(sorted({rows[s][1] for rows in rule.rows if s < len(rows) and rows[s][0] == position}))
                for s in range(count)
            )
            if t is not None and any(needs):
                inputs.append(RowInput(position, t, needs))
        self._run(RowOperator(op.number, op.kind, Role.ROW, count, tuple(inputs), op.makes))

    def _reshape(self, op: Operator) -> None:
        t, made = op.inputs[0] or 0, op.makes[0]
        behind = self.behind.get(t)
        if behind and isinstance(behind.rule, Reshaped):
            self.behind[made] = behind._replace(folded=(*behind.folded, op.number))
            return
        given, wanted = self.shapes[t], row_shape(self.graph.tensors[made])
        if given == wanted and self._may_share(op, [self.place_of[t]]):
            self.add_tensor(made, self.place_of[t])
        elif given != wanted and self._is_flat(made):
            self.behind[made] = _Behind(t, (op.number,), Reshaped())
        else:
            needs = tuple(
                tuple(range(s * wanted.size // given.size, -(-(s + 1) * wanted.size // given.size)))
                for s in range(wanted.rows)
            )
            self._run(
                RowOperator(op.number, op.kind, Role.ROW, wanted.rows, (RowInput(0, t, needs),), op.makes)
            )

    def _is_flat(self, t: int) -> bool:
        """Return whether all readers of a tensor see no rows in it: dense layers, at last."""
        open_ones = [t]
        while open_ones:
            here = open_ones.pop()
            readers = self._readers(here)
            if here in self.graph.outputs or not readers:
                return False
            for reader in readers:
                if isinstance(self.rules[reader.number], Reshaped):
                    open_ones.append(reader.makes[0])
                elif not self._is_dense(reader.number, here):
                    return False
        return True

    def _is_dense(self, number: int, t: int) -> bool:
        """Return whether an operator sums over all of a tensor of one row."""
        rule, op = self.rules[number], self.graph.operators[number]
        if op.inputs.index(t) != 0:
            return False
        return isinstance(rule, Dense)

    def _permute(self, op: Operator, rule: Permuted) -> None:
        t, made = op.inputs[0] or 0, op.makes[0]
        shape, whole = self.graph.tensors[t].shape, self.graph.tensors[made].shape
        long = [axis for axis in rule.axes if shape[axis] > 1]
        if long == sorted(long):
            self._reshape(op)
            return
        if made not in self.graph.outputs and self._is_reduced(made, rule, shape):
            self.behind[made] = _Behind(t, (op.number,), rule)
            return
        if rule.axes[row_axis(whole)] == row_axis(shape) and self.shapes[t].rows == whole[row_axis(whole)]:
            needs = same_rows(self.shapes[t].rows)
            read = RowInput(0, t, needs)
            self._run(RowOperator(op.number, op.kind, Role.ROW, len(needs), (read,), op.makes))
            return
        self._at_once(op)

    def _is_reduced(self, t: int, permuted: Permuted, shape: tuple[int, ...]) -> bool:
        """Return whether all readers of a permuted tensor sum over axes, and keep the order of the rest."""
        readers = self._readers(t)
        for reader in readers:
            rule = self.rules[reader.number]
            if not isinstance(rule, Reduced):
                return False
            rest = [axis for k, axis in enumerate(permuted.axes) if k not in rule.axes and shape[axis] > 1]
            if rest != sorted(rest):
                return False
        return bool(readers)


def _through(needs: Needs, behind: Needs) -> Needs:
    """Return needs in rows of the tensor behind the one that they are told in."""
    return tuple(tuple(sorted({row for k in step for row in behind[k]})) for step in needs)


def _padded(window: AxisMap | None, pad: AxisMap | None) -> AxisMap | None:
    if isinstance(window, Window) and isinstance(pad, Window):
        return replace(window, pad=window.pad + pad.pad)
    return window
