"""What the reference kernels request.

Source: tensorflow/lite/micro/kernels of tflite-micro at 90b983c (2026-08), the function named at each rule;
confirmed by running tflite-micro 0.dev20261023 on models of one operator (docs/tflite.md).
"""

from __future__ import annotations

from hmcos.frontends.tflite.kernels import custom
from hmcos.frontends.tflite.kernels.kernel_set import KernelSet
from hmcos.frontends.tflite.kernels.node import Node, Requests, Rule
from hmcos.frontends.tflite.kernels.quiet import QUIET
from hmcos.frontends.tflite.operator_codes import CUSTOM as CUSTOM_DOMAIN

CELLS = 19
"""The input of a recurrent operator that holds the state of its cells."""
_INTEGERS = ("int8", "int16")
_WORD = 4
"""Bytes of an int and of a float."""
_WIDE = 8
"""Bytes of an integer of 64 bits."""


def nothing(node: Node) -> Requests:
    """Return that a kernel requests nothing."""
    del node
    return ()


def reduction(node: Node) -> Requests | None:
    """Return two lists of dimensions, and sums for means and sums of integers.

    Source: PrepareMinMaxHelper, PrepareAllHelper and PrepareMeanOrSumHelper in reduce_common.cc.
    """
    data, axes, output = node.tensor(0), node.tensor(1), node.output
    if data is None or axes is None or output is None:
        return None
    lists = _WORD * len(data.shape), _WORD * axes.elements
    sums = node.op.kind in ("MEAN", "SUM") and data.element in _INTEGERS
    return (_WORD * output.elements, *lists) if sums else lists


def unpacked_weights(node: Node) -> Requests:
    """Return a byte for each weight of 4 bits.

    Source: ConvPrepare in conv_common.cc, DepthwiseConvPrepare in depthwise_conv_common.cc,
    FullyConnectedPrepare in fully_connected.cc.
    """
    weights = node.tensor(1)
    return (weights.elements,) if weights is not None and weights.element == "int4" else ()


def transposed_convolution(node: Node) -> Requests | None:
    """Return a sum for each element of the output, and the bias in 64 bits where it has 16.

    Source: TransposeConvPrepare and CalculateOpData in transpose_conv.cc.
    """
    output = node.output
    if output is None:
        return None
    sums = {"int8": _WORD, "int16": _WIDE}.get(node.element(2), 0) * output.elements
    return (*((sums,) if sums else ()), *widened_bias(node))


def widened_bias(node: Node) -> Requests:
    """Return 64 bits for each number of a bias of 16 bits, of a transposed convolution of 16 bits.

    Source: CalculateOpData in transpose_conv.cc, also of cmsis_nn/.
    """
    bias = node.tensor(3)
    if bias is None or bias.element != "int16" or node.element(2) != "int16":
        return ()
    return (_WIDE * bias.elements,)


def pointers(node: Node) -> Requests:
    """Return a pointer for each input.

    Source: CalculateOpData in add_n.cc.
    """
    return (node.pointer * len(node.op.inputs),)


def filter_sums(node: Node) -> Requests | None:
    """Return a sum for each filter, and for integers one for each unit of the output.

    Source: PrepareSvdf in svdf_common.cc.
    """
    data, filters, output = node.tensor(0), node.tensor(1), node.output
    if data is None or filters is None or output is None or not data.shape or not filters.shape:
        return None
    sums = _WORD * data.shape[0] * filters.shape[0]
    return (sums, _WORD * output.elements) if data.element == "int8" else (sums,)


def gates(node: Node, number: int = 4) -> Requests | None:
    """Return the gates of a recurrent operator, each of the size of the state of its cells.

    Source: UnidirectionalSequenceLstmPrepare in unidirectional_sequence_lstm.cc.
    """
    cells = node.tensor(CELLS)
    return None if cells is None else (cells.size,) * number


def mirrored(node: Node) -> Requests | None:
    """Return two lists of dimensions.

    Source: MirrorPadPrepare in mirror_pad.cc.
    """
    data = node.tensor(0)
    return None if data is None else (_WORD * len(data.shape),) * 2


RULES: dict[str, Rule] = {
    **dict.fromkeys(QUIET, nothing),
    **{f"{CUSTOM_DOMAIN}:{name}": nothing for name in custom.QUIET},
    **{f"{CUSTOM_DOMAIN}:{name}": rule for name, rule in custom.CUSTOM.items()},
    "ADD_N": pointers,
    "CONV_2D": unpacked_weights,
    "DEPTHWISE_CONV_2D": unpacked_weights,
    "FULLY_CONNECTED": unpacked_weights,
    "MEAN": reduction,
    "MIRROR_PAD": mirrored,
    "REDUCE_ALL": reduction,
    "REDUCE_MAX": reduction,
    "REDUCE_MIN": reduction,
    "SUM": reduction,
    "SVDF": filter_sums,
    "TRANSPOSE_CONV": transposed_convolution,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": gates,
}
"""Kind to what its kernel requests."""

REFERENCE = KernelSet("reference kernels of tflite-micro", RULES)
