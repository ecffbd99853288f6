"""Pools, means, sums, and the places of the greatest."""

from __future__ import annotations

from math import prod

from hmcos.backends.c.fixed_point import Scale, scale_of
from hmcos.backends.c.preparing.case import Case, Kernel, plane
from hmcos.backends.c.preparing.weighted import window_of
from hmcos.graph.rowwise import row_axis
from hmcos.graph.windows import Window

_REDUCE_BYTES = 28


def pool(case: Case) -> Kernel:
    """Return the kernel of MAX_POOL_2D or AVERAGE_POOL_2D."""
    case.need(("int8",), case.tensor(0), case.output())
    channels = case.output().shape[-1]
    window, kind = window_of(case, channels, channels), case.operator.kind
    reads, makes = (case.read().tensor,), case.op.makes[0]
    if case.op.accumulator is not None:
        fields = (
            f"&{window}",
            case.op.steps,
            case.first,
            case.sums,
            case.op.accumulator.width,
            *case.bounds(),
        )
        return Kernel("pool_sum", case.struct("hm_pool_sum", *fields, size=11), reads, makes)
    params = case.struct("hm_pool", f"&{window}", *case.bounds(), size=6)
    height = case.op.rows.kernel if isinstance(case.op.rows, Window) else 1
    return Kernel("max_pool" if kind == "MAX_POOL_2D" else "average_pool", params, reads, makes, height)


def reduced(case: Case) -> Kernel:
    """Return the kernel of MEAN or SUM."""
    sizes, number = _reduction(case)
    inner, outer = case.of_input(), case.of_output()
    by = scale_of(inner.scale / outer.scale)
    by = by if case.operator.kind == "SUM" else _divided(by, number)
    partial = 0 if case.op.accumulator is None else case.op.accumulator.width
    fields = (*sizes, partial, by.shift, outer.zero, inner.zero * number, by.multiplier)
    params = case.struct("hm_reduce", *fields, size=_REDUCE_BYTES)
    name = "reduce_sum" if partial else "reduce_row"
    return Kernel(name, params, (case.read().tensor,), case.op.makes[0])


def extreme(case: Case) -> Kernel:
    """Return the kernel of REDUCE_MAX or REDUCE_MIN."""
    sizes, _ = _reduction(case)
    if case.of_input() != case.of_output():
        raise case.refusal("has an output of another scale than its input, which TFLM refuses too")
    params = case.struct("hm_extreme", *sizes, 1 if case.operator.kind == "REDUCE_MAX" else -1, size=17)
    name = "extreme_row" if case.op.accumulator is None else "extreme_sum"
    return Kernel(name, params, (case.read().tensor,), case.op.makes[0])


def _reduction(case: Case) -> tuple[tuple[int, ...], int]:
    """Return the sizes of an operator that reduces axes, and how many numbers become one."""
    shape = case.source.tensors[case.read().tensor].shape
    case.need(("int8",), case.source.tensors[case.read().tensor], case.output())
    axis, axes = row_axis(shape), case.op.axes
    rows = case.read().rows if axis in axes and len(shape) > 1 else 1
    width, channels = plane(shape)
    inner = range(axis + 1, len(shape)) if len(shape) > 1 else range(1)
    columns = [k for k in inner if k < len(shape) - 1]
    kept = [k for k in columns if k not in axes and shape[k] > 1]
    if kept and any(k in axes and shape[k] > 1 for k in columns):
        raise case.refusal("sums over some of the dimensions of a row")
    out_width = 1 if columns and not kept else width
    out_channels = 1 if len(shape) - 1 in axes else channels
    number = rows * (width // out_width) * (channels // out_channels)
    sizes = (width, channels, out_width, out_channels, rows, case.first, case.made().size, case.sums)
    return sizes, number


def _divided(by: Scale, number: int) -> Scale:
    """Return a scale divided by a number, whose fraction is cut off."""
    shift = min(number.bit_length() - 1, 32, 31 + by.shift)
    return Scale((by.multiplier << shift) // number, by.shift - shift)


def arg_max(case: Case) -> Kernel:
    """Return the kernel of ARG_MAX."""
    case.need(("int8",), case.tensor(0))
    case.need(("int32",), case.output())
    shape = case.source.tensors[case.read().tensor].shape
    along = case.numbers(1)[0] % len(shape)
    axis = row_axis(shape) if len(shape) > 1 else -1
    rows = case.read().rows if along == axis else 1
    if along < axis:
        raise case.refusal("looks along the axis of batches")
    outer = 1 if along == axis else prod(shape[axis + 1 : along])
    inner = prod(shape[along + 1 :])
    length = case.made().size // 4
    fields = (outer, 1 if along == axis else shape[along], inner, rows, length)
    return Kernel(
        "arg_max", case.struct("hm_arg_max", *fields, size=10), (case.read().tensor,), case.op.makes[0]
    )
