"""Which kernels compute an operator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hmcos.backends.c.preparing import moved, pointwise, pooled, weighted
from hmcos.backends.c.preparing.case import Case, Kernel

_ONE: dict[str, Callable[[Case], Kernel]] = {
    "ADD": pointwise.binary,
    "ARG_MAX": pooled.arg_max,
    "AVERAGE_POOL_2D": pooled.pool,
    "CONCATENATION": moved.concatenated,
    "CONV_2D": weighted.convolution,
    "DEPTHWISE_CONV_2D": weighted.convolution,
    "DEQUANTIZE": pointwise.dequantize,
    "FULLY_CONNECTED": weighted.fully_connected,
    "HARD_SWISH": pointwise.unary,
    "LEAKY_RELU": pointwise.unary,
    "LOGISTIC": pointwise.unary,
    "MAXIMUM": pointwise.greater,
    "MAX_POOL_2D": pooled.pool,
    "MEAN": pooled.reduced,
    "MINIMUM": pointwise.greater,
    "MUL": pointwise.binary,
    "PAD": moved.padded,
    "PADV2": moved.padded,
    "PRELU": pointwise.prelu,
    "QUANTIZE": pointwise.quantize,
    "REDUCE_MAX": pooled.extreme,
    "REDUCE_MIN": pooled.extreme,
    "RELU": pointwise.unary,
    "RELU6": pointwise.unary,
    "RESIZE_BILINEAR": moved.bilinear,
    "RESIZE_NEAREST_NEIGHBOR": moved.nearest,
    "SOFTMAX": pointwise.softmax,
    "SUB": pointwise.binary,
    "SUM": pooled.reduced,
    "TANH": pointwise.unary,
    "TRANSPOSE_CONV": weighted.transposed_convolution,
}
_MOVED = frozenset(
    {
        "DEPTH_TO_SPACE",
        "EXPAND_DIMS",
        "RESHAPE",
        "SLICE",
        "SPACE_TO_DEPTH",
        "SPLIT",
        "SPLIT_V",
        "SQUEEZE",
        "STRIDED_SLICE",
        "TRANSPOSE",
    }
)
KINDS = frozenset(_ONE) | _MOVED
"""The kinds of operators that can be compiled."""


def kernels_of(case: Case) -> list[Kernel]:
    """Return the kernels that compute an operator, in order: one, or one per output.

    Raises:
        ModelError: it cannot be compiled; names the operator and the reason.
    """
    try:
        with np.errstate(all="ignore"):  # what overflows is refused
            return _prepared(case)
    except (OverflowError, ZeroDivisionError) as error:
        raise case.refusal("has scales that are zero or too far apart; convert the model again") from error


def _prepared(case: Case) -> list[Kernel]:
    case.need_one_sign()
    if case.operator.kind in _MOVED:
        return moved.moved(case)
    prepare = _ONE.get(case.operator.kind)
    if prepare is None:
        raise case.refusal("is of a kind that has no kernel; leave it outside of the compiled network")
    return [prepare(case)]
