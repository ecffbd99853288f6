"""Operators that move numbers and change none, and those that resize images."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmcos.backends.c.preparing.case import Case, Kernel, braces, plane
from hmcos.backends.c.preparing.strides import strides_of
from hmcos.frontends.tflite import resizing
from hmcos.graph.rowwise import row_axis

_GATHER_BYTES, _BILINEAR_BYTES = 36, 24
_FLOAT_BITS = 24
"""Of whole numbers that floats of 32 bits hold."""
_LONGEST = 2**16 - 1
"""Of what tables of 16 bits can tell: bytes of a piece, rows and columns of an image."""


def moved(case: Case) -> list[Kernel]:
    """Return the kernels of an operator each of whose output numbers is one of its input: one per output."""
    data = 1 if case.operator.kind == "SPLIT" else 0
    tensor = case.source.tensors[case.read().tensor]
    case.need(("int8", "uint8"), tensor, *(case.source.tensors[t] for t in case.op.makes))
    places = np.arange(tensor.elements, dtype=np.int64).reshape(case.tensor(data).shape)
    found = dict(zip(case.operator.makes, _outputs(case, places), strict=True))
    return [_gathered(case, k, found[tensor]) for k, tensor in enumerate(case.op.makes)]


def _outputs(case: Case, places: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the places that the outputs take from."""
    kind, options = case.operator.kind, case.options
    if kind == "TRANSPOSE":
        return [places.transpose(case.numbers(1))]
    if kind == "SLICE":
        begin, size = case.numbers(1), case.numbers(2)
        ends = [b + s if s >= 0 else whole for b, s, whole in zip(begin, size, places.shape, strict=True)]
        return [places[tuple(slice(b, e) for b, e in zip(begin, ends, strict=True))]]
    if kind == "STRIDED_SLICE":
        return [_strided(case, places)]
    if kind in ("SPLIT", "SPLIT_V"):
        return _parts(case, places)
    if kind in ("SPACE_TO_DEPTH", "DEPTH_TO_SPACE"):
        return [_blocks(places, options.blockSize, to_depth=kind == "SPACE_TO_DEPTH")]
    return [places]  # a reshape


def _parts(case: Case, places: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    if case.operator.kind == "SPLIT":
        return list(np.split(places, len(case.operator.outputs), case.numbers(0)[0]))
    ends: list[int] = np.cumsum(case.numbers(1)).tolist()
    return list(np.split(places, ends[:-1], case.numbers(2)[0]))


def _strided(case: Case, places: NDArray[np.int64]) -> NDArray[np.int64]:
    options, begin, end, strides = case.options, *(case.numbers(k) for k in (1, 2, 3))
    if options.ellipsisMask or options.newAxisMask or options.offset:
        raise case.refusal("cuts by a mask of new dimensions")
    cuts: list[Any] = []
    for k, (first, last, stride) in enumerate(zip(begin, end, strides, strict=True)):
        if options.shrinkAxisMask >> k & 1:
            cuts.append(slice(first, first + 1 or None))
            continue
        low = None if options.beginMask >> k & 1 else first
        cuts.append(slice(low, None if options.endMask >> k & 1 else last, stride))
    return places[tuple(cuts)]


def _blocks(places: NDArray[np.int64], size: int, *, to_depth: bool) -> NDArray[np.int64]:
    _, rows, columns, channels = places.shape
    if to_depth:
        parts = places.reshape(rows // size, size, columns // size, size, channels)
        return parts.transpose(0, 2, 1, 3, 4).reshape(1, rows // size, columns // size, -1)
    parts = places.reshape(rows, columns, size, size, channels // size**2)
    return parts.transpose(0, 2, 1, 3, 4).reshape(1, rows * size, columns * size, -1)


def _gathered(case: Case, index: int, places: NDArray[np.int64]) -> Kernel:
    made, read = case.made(index), case.read()
    if places.size != made.rows * made.size:
        raise case.refusal(
            f"moves {places.size:,} numbers into {made.rows * made.size:,}; convert the model again"
        )
    found = strides_of(places.reshape(made.rows, made.size))
    if found is None:
        raise case.refusal("moves its numbers in more steps than its kernel can take")
    numbers, steps = braces(found.numbers), braces(found.steps)
    fields = (found.base, found.far, found.near, steps, numbers, found.period, found.piece, read.size)
    params = case.struct("hm_gather", *fields, size=_GATHER_BYTES)
    return Kernel("gather", params, (read.tensor,), made.tensor)


def padded(case: Case) -> Kernel:
    """Return the kernel of PAD or PADV2."""
    case.need(("int8",), case.tensor(0), case.output())
    shape, pads = case.tensor(0).shape, np.reshape(case.numbers(1), (-1, 2))
    axis = row_axis(shape) if len(shape) > 1 else -1
    if axis > 0 and pads[:axis].any():
        raise case.refusal("pads batches")
    inner = pads[axis + 1 :].tolist()
    if len(inner) > 2:
        raise case.refusal("pads five dimensions or more")
    columns, channels = ([[0, 0]] * (2 - len(inner)) + inner)[-2:]
    fill = case.numbers(2)[0] if len(case.operator.inputs) > 2 else case.of_output().zero
    width, numbers = plane(shape)
    top = int(pads[axis][0]) if axis >= 0 else 0
    rows = case.read().rows
    fields = (width, *columns, numbers, *channels, rows, top, fill)
    return Kernel("pad", case.struct("hm_pad", *fields, size=17), (case.read().tensor,), case.op.makes[0])


def concatenated(case: Case) -> Kernel:
    """Return the kernel of CONCATENATION."""
    shape = case.output().shape
    along, axis = case.options.axis % len(shape), row_axis(shape) if len(shape) > 1 else -1
    inputs = [case.tensor(position) for position in range(len(case.operator.inputs))]
    case.need(("int8", "uint8"), case.output(), *inputs)
    if along == axis and all(row_axis(tensor.shape) == axis for tensor in inputs):
        return _stacked(case, [tensor.shape[axis] for tensor in inputs])
    if along <= axis:
        raise case.refusal("puts rows together that do not stand side by side")
    after = prod(shape[along + 1 :])
    lengths: list[int] = [tensor.shape[along] * after for tensor in inputs]
    if max(lengths) > _LONGEST:
        raise case.refusal(
            f"puts together pieces of more than {_LONGEST:,} bytes, which its kernel cannot take"
        )
    table = case.constants.array("uint16_t", lengths, "lengths", "operators")
    fields = (table, _constants(case), prod(shape[axis + 1 : along]), len(lengths))
    params = case.struct("hm_concat", *fields, size=12)
    return Kernel("concat", params, tuple(read.tensor for read in case.op.inputs), case.op.makes[0])


def _stacked(case: Case, rows: list[int]) -> Kernel:
    ends = np.cumsum(rows).tolist()
    if ends[-1] > _LONGEST:
        raise case.refusal(f"puts together more than {_LONGEST:,} rows, which its kernel cannot take")
    table = case.constants.array("uint16_t", ends, "ends", "operators")
    params = case.struct("hm_stack", table, _constants(case), case.made().size, size=10)
    return Kernel("stack", params, tuple(read.tensor for read in case.op.inputs), case.op.makes[0])


def _constants(case: Case) -> str:
    """Return the name of the inputs that are constants, in a table of all; NULL if there are none."""
    computed = {read.position for read in case.op.inputs}
    names: list[str] = []
    for position in range(len(case.operator.inputs)):
        found = None if position in computed else case.source.constant(case.input_id(position))
        if found is not None:
            numbers = found.view(np.int8).reshape(-1).tolist()
            names.append(case.constants.array("int8_t", numbers, "constant", "weights"))
        elif position in computed:
            names.append("NULL")
        else:
            raise case.refusal("has an input that is neither computed nor in the file")
    if len(computed) == len(names):
        return "NULL"
    return case.constants.array("int8_t const *", names, "constants", "operators")


def nearest(case: Case) -> Kernel:
    """Return the kernel of RESIZE_NEAREST_NEIGHBOR."""
    case.need(("int8",), case.tensor(0), case.output())
    shape, whole = case.tensor(0).shape, case.output().shape
    if max(shape[1:3]) > _LONGEST:
        raise case.refusal(f"resizes an image of more than {_LONGEST:,} rows or columns")
    rows, columns = (_nearest(case, shape[k], whole[k]) for k in (1, 2))
    tables = [case.constants.array("uint16_t", found, "nearest", "tables") for found in (rows, columns)]
    params = case.struct("hm_nearest", whole[2], whole[3], *tables, size=12)
    return Kernel("nearest", params, (case.read().tensor,), case.op.makes[0])


def _nearest(case: Case, size: int, whole: int) -> list[int]:
    """Return the input per output along an axis."""
    align, half = bool(case.options.alignCorners), bool(case.options.halfPixelCenters)
    return np.clip(resizing.nearest(size, whole, align=align, half=half), 0, size - 1).tolist()


def _is_exact(case: Case, pairs: Sequence[tuple[int, int]]) -> bool:
    """Return whether places are such fractions of pixels that floats of 32 bits hold all products of two."""
    bits = 0
    for axis, (scale, shift) in enumerate(pairs, 1):
        size, wide = case.tensor(0).shape[axis], case.output().shape[axis]
        less = int(bool(case.options.alignCorners) and wide > 1)
        is_half = bool(case.options.halfPixelCenters)
        if scale * (wide - less) != 1024 * (size - less) or (is_half and scale % 2):
            return False
        bits += 11 - gcd(scale, shift, 1024).bit_length()
    return bits <= _FLOAT_BITS - 8


def bilinear(case: Case) -> Kernel:
    """Return the kernel of RESIZE_BILINEAR."""
    case.need(("int8",), case.tensor(0), case.output())
    shape, whole = case.tensor(0).shape, case.output().shape
    align, half = bool(case.options.alignCorners), bool(case.options.halfPixelCenters)
    pairs = [resizing.linear(shape[k], whole[k], align=align, half=half) for k in (1, 2)]
    if case.source.is_unsigned and not _is_exact(case, pairs):
        reason = "resizes uint8 by factors for which LiteRT rounds floats; convert the model to int8"
        raise case.refusal(reason)
    scales, shifts = zip(*pairs, strict=True)
    fields = (shape[1], shape[2], whole[2], whole[3], *scales, *shifts)
    params = case.struct("hm_bilinear", *fields, size=_BILINEAR_BYTES)
    return Kernel("bilinear", params, (case.read().tensor,), case.op.makes[0])
