"""Operators that work element by element."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hmcos.backends.c.fixed_point import Scale, scale_of
from hmcos.backends.c.preparing.case import INT8, Case, Kernel, braces, plane, quantized
from hmcos.backends.c.preparing.functions import hard_swish, leaky_relu, logistic, sigmoid_in_floats, tanh
from hmcos.backends.c.shared import Scales
from hmcos.graph.rowwise import row_axis
from hmcos.plan.row_parts import RowInput

_BINARY_BYTES, _RESCALE_BYTES, _SCALING_BYTES, _FLOAT_BYTES = 18, 5, 11, 12
_UNSIGNED = 128
"""What turns uint8 into int8, by exclusive or."""


def binary(case: Case) -> Kernel:
    """Return the kernel of ADD, SUB or MUL."""
    case.need(("int8",), case.tensor(0), case.tensor(1), case.output())
    kind = case.operator.kind
    first, second, out = case.of_input(0), case.of_input(1), case.of_output()
    if kind == "MUL":
        number = np.float32 if case.source.is_unsigned else np.float64
        product = number(first.scale) * number(second.scale) / number(out.scale)
        scales = [Scale(0, 0), Scale(0, 0), scale_of(float(product))]
    else:
        in_floats = kind == "SUB" and not case.source.is_unsigned
        scales = [scale_of(number) for number in _common(first.scale, second.scale, out.scale, in_floats)]
    name = "mul" if kind == "MUL" else "add"
    return _of_two(case, name, scales, (-first.zero, -second.zero, out.zero), -1 if kind == "SUB" else 1)


def prelu(case: Case) -> Kernel:
    """Return the kernel of PRELU."""
    case.need(("int8",), case.tensor(0), case.tensor(1), case.output())
    inner, slopes, out = case.of_input(0), case.of_input(1), case.of_output()
    number = np.float32 if case.source.is_unsigned else np.float64
    above = scale_of(float(number(inner.scale) / number(out.scale)))
    below = scale_of(float(number(inner.scale) * number(slopes.scale) / number(out.scale)))
    return _of_two(case, "prelu", [above, below, Scale(0, 0)], (-inner.zero, -slopes.zero, out.zero), 1)


def greater(case: Case) -> Kernel:
    """Return the kernel of MAXIMUM or MINIMUM, which compare numbers as they are."""
    case.need(("int8",), case.tensor(0), case.tensor(1), case.output())
    sign = 1 if case.operator.kind == "MAXIMUM" else -1
    return _of_two(case, "greater", [Scale(0, 0)] * 3, (0, 0, 0), sign)


def _of_two(
    case: Case, name: str, scales: Sequence[Scale], offsets: tuple[int, int, int], sign: int
) -> Kernel:
    """Return a kernel of two inputs, each of which may be repeated or a constant."""
    scaling = Scales(
        (scales[0].multiplier, scales[1].multiplier, scales[2].multiplier),
        offsets,
        (scales[0].shift, scales[1].shift, scales[2].shift),
        case.bounds(),
        None,
    )
    steps = [_steps(case, position) for position in (0, 1)]
    block, row, place = _constant(case)
    repeated = sum((rows == 1) << k for k, (_, _, rows) in enumerate(steps))
    spread = sum(_is_spread(case, read) << read.position for read in case.op.inputs)
    fields = (
        *(row, *plane(case.output().shape), braces(s[0] for s in steps), braces(s[1] for s in steps)),
        *(repeated, spread, place, sign),
    )
    params = case.struct("hm_binary", *fields, size=_BINARY_BYTES)
    reads = tuple(read.tensor for read in case.op.inputs)
    number = case.shared.scales(scaling._replace(constant=block))
    return Kernel(name, params, reads, case.op.makes[0], scales=number)


def _common(first: float, second: float, out: float, in_floats: bool) -> list[float]:
    """Return the scales of both inputs and of the output, in units of twice the greater scale of an input.

    TFLM's kernel of SUB reckons them in floats of 32 bits, that of ADD in floats of 64, as LiteRT does both.
    """
    number = np.float32 if in_floats else np.float64
    twice = number(2) * number(max(first, second))
    inputs = [float(number(scale) / twice) for scale in (first, second)]
    return [*inputs, float(twice / (number(1 << 20) * number(out)))]


def _steps(case: Case, position: int) -> tuple[int, int, int]:
    """Return the steps of an input from column to column and from channel to channel, and its rows."""
    whole, shape = case.output().shape, case.tensor(position).shape
    shape = (1,) * (len(whole) - len(shape)) + shape
    axis = row_axis(whole)
    inner, made = shape[axis + 1 :] if len(whole) > 1 else shape, plane(whole)
    if len(inner) > 2 and inner != whole[axis + 1 :] and any(size != 1 for size in inner):
        raise case.refusal("repeats an input of five dimensions or more")
    channels = inner[-1] if inner else 1
    columns = 1
    for size in inner[:-1]:
        columns *= size
    rows = shape[axis] if len(whole) > 1 else 1
    return channels * (columns == made[0] > 1), int(channels == made[1] > 1), rows


def _is_spread(case: Case, read: RowInput) -> bool:
    """Return whether the rows of an input are the columns of every row of the output."""
    rows, shape = case.program.tensor(read.tensor).rows, case.tensor(read.position).shape
    return rows > 1 and _steps(case, read.position)[2] == 1 and len(shape) > 1


def _constant(case: Case) -> tuple[int | None, int, int]:
    """Return the block of the input that is a constant, its bytes per row, its position; None for none."""
    activations = {read.position for read in case.op.inputs}
    for position in (0, 1):
        if position not in activations:
            found = case.source.constant(case.input_id(position))
            if found is None:
                raise case.refusal("has an input that is neither computed nor in the file")
            block = case.shared.weights(found.tobytes())
            rows = _steps(case, position)[2]
            return block, found.size // rows if rows > 1 else 0, position
    return None, 0, 0


def unary(case: Case) -> Kernel:
    """Return the kernel of an activation function."""
    case.need(("int8",), case.tensor(0), case.output())
    inner, outer, kind, length = case.of_input(), case.of_output(), case.operator.kind, case.made().size
    is_unsigned = case.source.is_unsigned
    if kind == "RELU6" and not is_unsigned:  # TFLM's kernel does not look at the output's scale
        most = max(INT8[0], min(INT8[1], quantized(6.0, inner)))
        return _kernel(case, "clip", "hm_clip", length, inner.zero, most, size=4)
    if kind in ("RELU", "RELU6"):
        by = scale_of(float(np.float32(inner.scale) / np.float32(outer.scale)))
        most = INT8[1] if kind == "RELU" else min(INT8[1], quantized(6.0, outer))
        return _rescale(case, by, (max(INT8[0], quantized(0.0, outer)), most), (0, 0))
    if kind in ("LOGISTIC", "TANH") and is_unsigned:
        values = sigmoid_in_floats(kind, inner, outer)
    elif kind == "LOGISTIC":
        if outer.zero != INT8[0]:
            raise case.refusal("has an output whose zero point is not -128, which TFLM refuses too")
        values = logistic(inner)
    elif kind == "TANH":
        values = tanh(inner)
    elif kind == "LEAKY_RELU":
        values = leaky_relu(inner, outer, float(case.options.alpha))
    else:
        values = hard_swish(inner, outer)
    table = case.constants.array("int8_t", values, "values", "tables")
    return _kernel(case, "table", "hm_table", length, table, size=6)


def _rescale(case: Case, by: Scale, bounds: tuple[int, int], flips: tuple[int, int]) -> Kernel:
    inner, outer = case.of_input(), case.of_output()
    offsets = flips[0] - inner.zero, outer.zero - flips[1]
    fields = (case.made().size, *offsets, *bounds, by.shift, *flips, by.multiplier)
    return _kernel(case, "rescale", "hm_rescale", *fields, size=_RESCALE_BYTES, scaling=_SCALING_BYTES)


def quantize(case: Case) -> Kernel:
    """Return the kernel of QUANTIZE."""
    case.need(("int8", "uint8", "float32"), case.tensor(0))
    case.need(("int8", "uint8"), case.output())
    outer, to = case.of_output(), _flip(case.output().element)
    if case.tensor(0).element == "float32":
        length, zero = case.made().size, outer.zero - to
        return _kernel(case, "quantize", "hm_float", length, _float(outer.scale), zero, to, size=_FLOAT_BYTES)
    by = scale_of(case.of_input().scale / outer.scale)
    return _rescale(case, by, INT8, (_flip(case.tensor(0).element), to))


def dequantize(case: Case) -> Kernel:
    """Return the kernel of DEQUANTIZE."""
    case.need(("int8", "uint8"), case.tensor(0))
    case.need(("float32",), case.output())
    inner, flip = case.of_input(), _flip(case.tensor(0).element)
    length, zero = case.read().size, inner.zero - flip
    return _kernel(case, "dequantize", "hm_float", length, _float(inner.scale), zero, flip, size=_FLOAT_BYTES)


def softmax(case: Case) -> Kernel:
    """Return the kernel of SOFTMAX."""
    case.need(("int8",), case.tensor(0), case.output())
    inner, outer = case.of_input(), case.of_output()
    if (outer.zero, outer.scale) != (-128, 1 / 256):
        raise case.refusal("has an output that is not of scale 1/256 and zero point -128")
    channels = case.output().shape[-1]
    if float(case.options.beta) * inner.scale * (1 << 26) <= 1:
        raise case.refusal("has a beta or a scale near zero or below; convert the model again")
    by = scale_of(min(float(case.options.beta) * inner.scale * (1 << 26), 2.0**31 - 1))
    reach = min(256, int(31 * (1 << 26) / 2**by.shift))
    fields = (case.made().size // channels, channels, by.multiplier, -reach, by.shift)
    return _kernel(case, "softmax", "hm_softmax", *fields, size=11)


def _flip(element: str) -> int:
    return _UNSIGNED if element == "uint8" else 0


def _float(number: float) -> str:
    return f"{number:.9g}f" if "." in f"{number:.9g}" or "e" in f"{number:.9g}" else f"{number:.9g}.0f"


def _kernel(case: Case, name: str, kind: str, *fields: object, size: int, scaling: int = 0) -> Kernel:
    params = case.struct(kind, *fields, size=size, scaling=scaling)
    return Kernel(name, params, (case.read().tensor,), case.op.makes[0])
