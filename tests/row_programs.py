"""Row programs that keep every tensor whole, made here in the plainest way, to test kernels with."""

from __future__ import annotations

from typing import Any, cast

from hmcos.backends.c.tensors import Source
from hmcos.frontends.model import Model
from hmcos.graph.graph import Operator
from hmcos.graph.rowwise import row_axis, row_shape
from hmcos.graph.windows import Spread, Window, same_pads
from hmcos.limits import Status
from hmcos.plan.row_parts import Accumulator, Role, RowInput, RowTensor
from hmcos.streaming.program import Feeding, RowOperator, RowProgram, Rows, RowStep

DATA = {"TRANSPOSE_CONV": 2, "SPLIT": 1}
"""Position of the activation, where it is not the first input."""


def whole_program(model: Model, feeding: Feeding = Feeding.WHOLE) -> RowProgram:
    """Return the program that runs operators in the order of the file, each all rows, nothing shared."""
    graph = model.graph
    tensors: list[RowTensor] = []
    end = 0
    for t, tensor in enumerate(graph.tensors):
        if not tensor.is_parameter:
            rows, size = row_shape(tensor)
            end += -end % 4
            tensors.append(RowTensor(t, rows, size, tuple(end + r * size for r in range(rows))))
            end += rows * size
    places = {tensor.tensor: tensor for tensor in tensors}
    operators: list[RowOperator] = []
    steps: list[RowStep] = []
    if feeding is Feeding.ROWS:
        fed = graph.inputs[0]
        operators.append(RowOperator(-1, "INPUT", Role.FEED, places[fed].rows, (), (fed,)))
    for op in graph.operators:
        operators.append(_operator(Source(model), op, places))
        accumulator = operators[-1].accumulator
        if accumulator is not None:
            end += -end % 4
            sums = Accumulator(accumulator.elements, accumulator.width, end)
            operators[-1] = cast(Any, operators[-1].__class__)(
                *(
                    sums if field == "accumulator" else getattr(operators[-1], field)
                    for field in RowOperator.__dataclass_fields__
                )
            )
            end += accumulator.size
    for k, op in enumerate(operators):
        steps += [RowStep(k, s) for s in range(op.steps)]
    missing = cast(Any, None)
    return RowProgram(
        tuple(operators),
        tuple(steps),
        tuple(tensors),
        graph.inputs,
        graph.outputs,
        Rows(feeding),
        end,
        0,
        Status.FEASIBLE,
        end,
        0,
        4,
        "plain",
        (),
        missing,
        (),
        (),
        (),
        0.0,
    )


def _operator(source: Source, op: Operator, places: dict[int, RowTensor]) -> RowOperator:
    reads = [(k, t) for k, t in enumerate(op.inputs) if t in places]
    data, made = places[reads[0][1]], places[op.makes[0]]
    axes: tuple[int, ...] = ()
    shape = source.tensors[data.tensor].shape
    role, steps, accumulator = Role.ROW, made.rows, None
    rows, columns = _windows(source, op)
    if op.kind in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"):
        known = source.constant(cast(int, op.inputs[1]))
        assert known is not None
        axes = tuple(sorted({int(a) % len(shape) for a in known.reshape(-1)}))
        over_rows = row_axis(shape) in axes and len(shape) > 1
        if over_rows and made.rows == 1:
            role, steps = Role.SUM, data.rows
        elif over_rows or made.rows != data.rows:
            role = Role.WHOLE
    elif op.kind == "ARG_MAX":
        role = Role.ROW if made.rows == data.rows else Role.WHOLE
    elif op.kind == "TRANSPOSE":
        role = Role.WHOLE
    elif op.kind == "FULLY_CONNECTED" and made.rows == 1 and data.rows > 1:
        role, steps = Role.SUM, data.rows
    elif op.kind == "AVERAGE_POOL_2D" and made.rows == 1 and isinstance(rows, Window):
        covered = [r for r in range(data.rows) if 0 <= r + rows.pad < rows.kernel]
        role, steps = Role.SUM, len(covered)
    needs: tuple[tuple[int, ...], ...] = ()
    if role is Role.SUM:
        elements = made.size
        accumulator = Accumulator(elements, 4) if steps > 1 else None
        needs = tuple((r,) for r in range(steps))
        role = Role.SUM if steps > 1 else Role.ROW
    whole = tuple(tuple(range(places[t].rows)) for _, t in reads)
    inputs = tuple(
        RowInput(k, t, needs if role is Role.SUM else (rows_read,) * steps)
        for (k, t), rows_read in zip(reads, whole, strict=True)
    )
    steps = 1 if role is Role.WHOLE else steps
    return RowOperator(
        op.number, op.kind, role, steps, inputs, op.makes, accumulator, rows=rows, columns=columns, axes=axes
    )


def _windows(source: Source, op: Operator) -> tuple[Window | Spread | None, Window | Spread | None]:
    if op.kind not in ("CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D", "AVERAGE_POOL_2D", "TRANSPOSE_CONV"):
        return None, None
    options = source.options(op.number)
    data = source.tensors[cast(int, op.inputs[DATA.get(op.kind, 0)])].shape
    whole = source.tensors[op.makes[0]].shape
    found: list[Window | Spread] = []
    for axis, letter in ((1, "H"), (2, "W")):
        stride = int(getattr(options, f"stride{letter}"))
        dilation = int(getattr(options, f"dilation{letter}Factor", 1))
        if "POOL" in op.kind:
            kernel = int(options.filterHeight if letter == "H" else options.filterWidth)
        else:
            kernel = source.tensors[cast(int, op.inputs[1])].shape[axis]
        spread = op.kind == "TRANSPOSE_CONV"
        window = Window(kernel, stride, dilation)
        pad = same_pads(whole[axis] if spread else data[axis], window)[0] if options.padding == 0 else 0
        found.append(
            Spread(data[axis], kernel, stride, pad) if spread else Window(kernel, stride, dilation, pad)
        )
    return found[0], found[1]
