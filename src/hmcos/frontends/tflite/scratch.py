"""The scratch that kernels of TensorFlow Lite for Microcontrollers request, computed from shapes."""

from __future__ import annotations

from collections.abc import Callable

from hmcos.alignment import round_up
from hmcos.graph.graph import Graph, Operator, Tensor

ALIGNMENT = 16
_POINTER = 8
"""Bytes, on the machine where plans are checked; microcontrollers mostly have 4, so this is enough."""
_MOST_DIMENSIONS = 4
_CELLS = 19
"""The input of a recurrent operator that holds the state of its cells."""
_INTEGERS = ("int8", "uint8", "int16")


def scratch_of(graph: Graph) -> dict[str, int]:
    """Return operator name to the bytes of scratch that its kernel requests, including operators in bodies.

    Only operators that request scratch are listed. Unknown kinds are assumed to request none; the runtime
    then places their scratch itself, possibly above the arena of the plan. The figures come from setting up
    models of one operator (docs/tflite.md).
    """
    scratch: dict[str, int] = {}
    graphs = [graph]
    while graphs:
        here = graphs.pop()
        for op in here.operators:
            graphs += [body.graph for body in op.bodies]
            needed = kernel_scratch(here, op)
            if needed:
                scratch[op.name] = needed
    return scratch


def kernel_scratch(graph: Graph, op: Operator) -> int:
    """Return the bytes of scratch that the kernel of one operator of a graph asks for."""
    asked = None if op.domain else _KERNELS.get(op.kind)
    return asked(graph, op) if asked else 0


def _reduction(graph: Graph, op: Operator) -> int:
    """Two lists of dimensions, and sums of 32 bits for quantized means and sums."""
    data, output = _input(graph, op, 0), graph.tensors[op.makes[0]]
    rank = max(_MOST_DIMENSIONS, len(data.shape) if data else 0)
    sums = op.kind in ("MEAN", "SUM") and output.element in _INTEGERS
    return 2 * _aligned(4 * rank) + (_aligned(4 * output.elements) if sums else 0)


def _unpacked_weights(graph: Graph, op: Operator) -> int:
    """Weights of 4 bits are spread to a byte each."""
    weights = _input(graph, op, 1)
    return _aligned(weights.elements) if weights and weights.bits == 4 else 0


def _accumulators(graph: Graph, op: Operator) -> int:
    """A transposed convolution sums into 32 bits per element of its output, 64 for those of 16 bits."""
    output = graph.tensors[op.makes[0]]
    return _aligned({"int8": 4, "int16": 8}.get(output.element, 0) * output.elements)


def _pointers(graph: Graph, op: Operator) -> int:
    """One pointer per input."""
    return _aligned(_POINTER * len(op.inputs))


def _filter_sums(graph: Graph, op: Operator) -> int:
    """Sums of 32 bits per filter, and per unit of the output."""
    data, filters, output = _input(graph, op, 0), _input(graph, op, 1), graph.tensors[op.makes[0]]
    if data is None or filters is None or output.element not in _INTEGERS:
        return 0
    return _aligned(4 * data.shape[0] * filters.shape[0]) + _aligned(4 * output.elements)


def _gates(graph: Graph, op: Operator) -> int:
    """Four gates, each of the size of the state of the cells."""
    cells = _input(graph, op, _CELLS)
    return 4 * _aligned(cells.size) if cells else 0


def _input(graph: Graph, op: Operator, position: int) -> Tensor | None:
    tensor = op.inputs[position] if position < len(op.inputs) else None
    return None if tensor is None else graph.tensors[tensor]


def _aligned(size: int) -> int:
    return round_up(size, ALIGNMENT)


_KERNELS: dict[str, Callable[[Graph, Operator], int]] = {
    "ADD_N": _pointers,
    "CONV_2D": _unpacked_weights,
    "DEPTHWISE_CONV_2D": _unpacked_weights,
    "FULLY_CONNECTED": _unpacked_weights,
    "MEAN": _reduction,
    "REDUCE_MAX": _reduction,
    "REDUCE_MIN": _reduction,
    "SUM": _reduction,
    "SVDF": _filter_sums,
    "TRANSPOSE_CONV": _accumulators,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _gates,
}
