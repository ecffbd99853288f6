"""Operators with weights: convolutions and fully connected ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmcos.backends.c.fixed_point import scale_of, scale_once
from hmcos.backends.c.preparing.case import INT8, Case, Kernel
from hmcos.backends.c.shared import Sums
from hmcos.frontends.tflite.schema import schema
from hmcos.graph.windows import AxisMap, Window, same_pads
from hmcos.plan.row_parts import Role

_WINDOW_BYTES, _DENSE_BYTES = 18, 12
"""Of the structures on a machine of 32 bits."""


def convolution(case: Case) -> Kernel:
    """Return the kernel of CONV_2D or DEPTHWISE_CONV_2D."""
    weights = _weights(case, 1)
    is_depthwise = case.operator.kind == "DEPTHWISE_CONV_2D"
    channels = weights.shape[3] if is_depthwise else weights.shape[0]
    inputs = case.tensor(0).shape[3]
    if not is_depthwise and weights.shape[3] != inputs:
        raise case.refusal("has groups, which TensorFlow Lite for Microcontrollers does not compute either")
    if is_depthwise and channels % inputs:
        raise case.refusal("does not have as many output channels as its input times a whole number")
    window, sums = window_of(case, inputs, channels), _sums(case, weights, 2, channels)
    name = "depthwise" if is_depthwise else "conv"
    return Kernel(name, window, (case.read().tensor,), case.op.makes[0], weights.shape[1], sums)


def transposed_convolution(case: Case) -> Kernel:
    """Return the kernel of TRANSPOSE_CONV."""
    weights = _weights(case, 1)
    channels, inputs = weights.shape[0], weights.shape[3]
    window, sums = window_of(case, inputs, channels), _sums(case, weights, 3, channels, data=2)
    return Kernel("transpose_conv", window, (case.read().tensor,), case.op.makes[0], weights.shape[1], sums)


def fully_connected(case: Case) -> Kernel:
    """Return the kernel of FULLY_CONNECTED."""
    weights, read, made = _weights(case, 1), case.read(), case.made()
    channels, each = weights.shape
    sums = _sums(case, weights, 2, channels)
    is_sum = case.op.role is Role.SUM and case.op.steps > 1
    is_all = case.op.role is Role.WHOLE and read.rows > 1 and read.rows * read.size == each
    rows = case.op.steps if is_sum else read.rows if is_all else 1
    length = read.size if rows > 1 else each
    pixels = 1 if rows > 1 else read.size // each
    if (length * rows if rows > 1 else read.size) != each * pixels or made.size != pixels * channels:
        raise case.refusal(f"takes rows of {read.size} numbers, of which {each} do not make one vector")
    sizes = (pixels, length, channels, rows, case.first, case.sums)
    params = case.struct("hm_dense", *sizes, size=_DENSE_BYTES)
    name = "dense_sum" if is_sum else "dense_all" if is_all else "dense"
    return Kernel(name, params, (read.tensor,), case.op.makes[0], scales=sums)


def window_of(case: Case, inputs: int, outputs: int) -> str:
    """Return the name of the window of an operator, of input and output channels."""
    read, made = case.read(), case.made()
    windows = (
        _spread(case)
        if case.operator.kind == "TRANSPOSE_CONV"
        else tuple(_numbers(case, axis) for axis in (case.op.rows, case.op.columns))
    )
    (height, stride_y, dilation_y, pad_y), (width, stride_x, dilation_x, pad_x) = windows
    sizes = (read.rows, read.size // inputs, inputs, made.size // outputs, outputs)
    fields = (*sizes, height, width, stride_y, stride_x, dilation_y, dilation_x, pad_y, pad_x)
    if max(fields[5:]) > 255 or max(sizes) > 65535 or min(fields) < 0:
        raise case.refusal("has a window or an image that is too large for its kernel")
    body = "{" + ", ".join(map(str, fields)) + "}"
    return case.constants.value("hm_window", body, "window", {"operators": _WINDOW_BYTES})


def _spread(case: Case) -> tuple[tuple[int, int, int, int], ...]:
    """Return the windows of a transposed convolution, which are those of its output."""
    options, kernel, whole = case.options, case.tensor(1).shape, case.output().shape
    found: list[tuple[int, int, int, int]] = []
    for axis, stride in ((1, options.strideH), (2, options.strideW)):
        is_same = options.padding == schema().Padding.SAME
        pads = same_pads(whole[axis], Window(kernel[axis], stride)) if is_same else (0, 0)
        found.append((kernel[axis], stride, 1, pads[0]))
    return tuple(found)


def _numbers(case: Case, axis: AxisMap | None) -> tuple[int, int, int, int]:
    if isinstance(axis, Window):
        return axis.kernel, axis.stride, axis.dilation, axis.pad
    raise case.refusal("has no window that its kernel knows")


def _weights(case: Case, position: int) -> NDArray[Any]:
    found = case.source.constant(case.input_id(position))
    if found is None:
        raise case.refusal("has weights that do not stand in the file")
    case.need(("int8",), case.tensor(position), case.source.tensors[case.read().tensor], case.output())
    if case.of_input(position).zero != 0 and not case.source.is_unsigned:
        raise case.refusal("has weights whose zero point is not 0")
    return found


def _sums(case: Case, weights: NDArray[Any], bias_at: int, channels: int, data: int = 0) -> int:
    """Return the number of how sums become numbers of the output; weights are input 1."""
    shared = case.shared
    is_once = case.source.is_unsigned and case.operator.kind == "FULLY_CONNECTED"
    scales = [scale_once(n) if is_once else scale_of(n) for n in _effective(case, 1, data)]
    axis = 3 if case.operator.kind == "DEPTHWISE_CONV_2D" else 0
    if len(scales) not in (1, channels) or (len(scales) > 1 and case.of_input(1).axis != axis):
        raise case.refusal("has scales for some channels only, or for those of another dimension")
    _check_reach(case, weights, axis, case.of_input(data).zero, bias_at)
    if shared.has_wide_shifts and case.operator.kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        scales *= channels // len(scales)
    return shared.sums(
        Sums(
            weights=shared.weights(weights.tobytes()),
            bias=_bias(case, bias_at),
            multipliers=shared.run("multipliers", [s.multiplier for s in scales]),
            shifts=shared.run("shifts", [s.shift for s in scales]),
            offsets=(-case.of_input(data).zero, case.of_output().zero),
            bounds=case.bounds(),
            is_each=len(scales) > 1,
            shift=-case.of_input(1).zero,
        )
    )


def _check_reach(case: Case, weights: NDArray[Any], axis: int, zero: int, bias_at: int) -> None:
    """Check that no sum leaves 32 bits, whatever the input: in C that has no meaning."""
    numbers = weights.astype(np.int64) - case.of_input(1).zero
    rest = tuple(k for k in range(numbers.ndim) if k != axis)
    least, most = (INT8[0] - zero) * numbers, (INT8[1] - zero) * numbers
    bias = _bias_numbers(case, bias_at)
    start = np.int64(0) if bias is None else bias.astype(np.int64)
    low, high = np.minimum(least, most).sum(axis=rest), np.maximum(least, most).sum(axis=rest)
    if (low + start).min() < -(2**31) or (high + start).max() >= 2**31:
        raise case.refusal("has sums that can leave 32 bits; convert the model again")


def _effective(case: Case, place: int, data: int) -> list[float]:
    """Return the scale of sums in units of the output, per channel or once."""
    inner, weights, outer = case.of_input(data), case.of_input(place), case.of_output()
    in_floats = (case.operator.kind == "FULLY_CONNECTED") != case.source.is_unsigned
    if in_floats and len(weights.scales) == 1:
        both = np.float32(inner.scale) * np.float32(weights.scale)  # the kernel multiplies floats of 32 bits
        return [float(both) / outer.scale]
    return [inner.scale * scale / outer.scale for scale in weights.scales]


def _bias(case: Case, position: int) -> int:
    """Return the place of the bias plus 1; 0 where there is none."""
    found = _bias_numbers(case, position)
    return 0 if found is None else 1 + case.shared.run("bias", found.tolist())


def _bias_numbers(case: Case, position: int) -> NDArray[Any] | None:
    inputs = case.operator.inputs
    if position >= len(inputs) or inputs[position] is None:
        return None
    found = case.source.constant(case.input_id(position))
    if found is None or case.tensor(position).element != "int32":
        raise case.refusal("has a bias that is not int32 or does not stand in the file")
    if found.size != case.output().shape[-1]:
        raise case.refusal("has a bias for another number of channels; convert the model again")
    return found.reshape(-1)
