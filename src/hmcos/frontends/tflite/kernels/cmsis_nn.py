"""What the kernels of tflite-micro that call CMSIS-NN request.

Source: tensorflow/lite/micro/kernels/cmsis_nn of tflite-micro at 90b983c (2026-08), the file named at each
rule. Kinds without a kernel there have the reference one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hmcos.frontends.tflite.kernels import cmsis_nn_sizes as sizes
from hmcos.frontends.tflite.kernels.cmsis_nn_sizes import Build, Extension
from hmcos.frontends.tflite.kernels.kernel_set import KernelSet
from hmcos.frontends.tflite.kernels.node import Node, Requests
from hmcos.frontends.tflite.kernels.reference import CELLS, RULES, filter_sums, gates, widened_bias

_INTEGERS = ("int8", "int16")


@dataclass(frozen=True, slots=True)
class _Glue:
    """The kernels of one build."""

    build: Build
    for_size: bool = False
    """KERNELS_OPTIMIZED_FOR_SIZE: sums of weights are scratch; with the default, ..._FOR_SPEED, those of
    constant weights are computed once, and kept in the tail of the arena."""

    def convolution(self, node: Node) -> Requests | None:
        """Return what conv.cc requests; weights of 4 bits are treated like those of 8."""
        images, element = node.images(0, 1), node.element()
        if images is None or element not in _INTEGERS:
            return None if images is None else ()
        if element == "int16":
            return _some(sizes.wide_columns(self.build, images[1].h * images[1].w * images[0].c))
        seen = node.window()
        return None if seen is None else _some(sizes.convolution(self.build, *seen))

    def depthwise(self, node: Node) -> Requests | None:
        """Return what depthwise_conv.cc requests: for 8 bits only."""
        if node.element() != "int8":
            return ()
        seen = node.window()
        if seen is None:
            return None
        packed = node.element(1) == "int4"
        needed = (sizes.packed_depthwise if packed else sizes.depthwise)(self.build, *seen)
        return None if needed is None else _some(needed)

    def average(self, node: Node) -> Requests | None:
        """Return what AveragePrepare in pooling.cc requests."""
        images = node.images(0)
        if images is None:
            return None
        return _some(sizes.average(self.build, images[0].c)) if node.element() in _INTEGERS else ()

    def fully_connected(self, node: Node) -> Requests | None:
        """Return what fully_connected.cc requests: of a tensor of images, it makes a convolution."""
        weights, output = node.tensor(1), node.output
        if weights is None or output is None or not weights.shape or not output.shape:
            return None
        if node.element() != "int8" or weights.element == "int4":
            return ()
        made = output.shape[-1]
        if _is_convolution(node):
            scales = () if node.scales(1) > 1 else (2 * 4 * made,)
            return *scales, *_some(sizes.pixels(self.build, weights.shape[-1]))
        return () if self._keeps(node, 1, 2) else _some(sizes.weight_sums(self.build, made))

    def dense_sums(self, node: Node) -> Requests:
        """Return what fully_connected.cc keeps: sums of constant weights."""
        output = node.output
        if output is None or node.element() != "int8" or node.element(1) == "int4" or _is_convolution(node):
            return ()
        made = output.shape[-1] if output.shape else 0
        return _some(sizes.weight_sums(self.build, made)) if self._keeps(node, 1, 2) else ()

    def filter_sums(self, node: Node) -> Requests:
        """Return what svdf.cc keeps: sums of constant weights."""
        weights = node.tensor(1)
        if self.for_size or weights is None or node.element() != "int8" or not weights.shape:
            return ()
        return _some(sizes.weight_sums(self.build, weights.shape[0]))

    def filters(self, node: Node) -> Requests | None:
        """Return what svdf.cc requests; where it keeps sums of weights, it takes constants only."""
        needed, weights = filter_sums(node), node.tensor(1)
        if needed is None or weights is None or node.element() != "int8" or not self.for_size:
            return needed
        return *needed, *_some(sizes.weight_sums(self.build, weights.shape[0]))

    def products(self, node: Node) -> Requests | None:
        """Return what batch_matmul.cc requests."""
        output = node.output
        if output is None or not output.shape:
            return None
        return _some(sizes.weight_sums(self.build, output.shape[-1])) if node.element() == "int8" else ()

    def transposed(self, node: Node) -> Requests | None:
        """Return what transpose_conv.cc requests: also where it needs none, a piece for reversed weights."""
        images, options, element = node.images(2, 1), node.options, node.element(2)
        if images is None:
            return None
        data, window, output = images
        if element == "int16":
            return 8 * output.n * output.h * output.w * output.c, *widened_bias(node)
        if element != "int8":
            return ()
        if options is None:
            return None
        stride: tuple[int, int] = options.strideH, options.strideW
        return sizes.transposed(self.build, data, window, output, stride)

    def cells(self, node: Node) -> Requests | None:
        """Return what unidirectional_sequence_lstm.cc requests: of integers, three gates instead of four."""
        return gates(node, 3 if _has_integer_cells(node) else 4)

    def cell_sums(self, node: Node) -> Requests:
        """Return what unidirectional_sequence_lstm.cc keeps: two biases for each unit of each gate."""
        cells = node.tensor(CELLS)
        if cells is None or not cells.shape or not _has_integer_cells(node):
            return ()
        return ((4 if node.element() == "int8" else 8) * cells.shape[-1],) * 8

    def _keeps(self, node: Node, *positions: int) -> bool:
        """Return whether sums of weights are kept in the tail: if these inputs are constants or left out."""
        tensors = [node.tensor(position) for position in positions]
        return not self.for_size and all(tensor is None or tensor.is_parameter for tensor in tensors)


def _has_integer_cells(node: Node) -> bool:
    cells = node.tensor(CELLS)
    return node.element() in _INTEGERS and cells is not None and cells.element == "int16"


def _is_convolution(node: Node) -> bool:
    """Return whether fully_connected.cc takes a convolution of 1 x 1 for an operator on int8."""
    weights, output = node.tensor(1), node.output
    if weights is None or output is None or not weights.shape:
        return False
    return len(output.shape) > 2 and weights.shape[-1] % 4 == 0


def _some(*requested: int) -> Requests:
    """Return requests without those of nothing."""
    return tuple(size for size in requested if size > 0)


def _set(extension: Extension, title: str, **how: Any) -> KernelSet:
    for_size = bool(how.pop("for_size", False))
    glue = _Glue(Build(extension, **how), for_size)
    rules = {
        **RULES,
        "AVERAGE_POOL_2D": glue.average,
        "BATCH_MATMUL": glue.products,
        "CONV_2D": glue.convolution,
        "DEPTHWISE_CONV_2D": glue.depthwise,
        "FULLY_CONNECTED": glue.fully_connected,
        "SVDF": glue.filters,
        "TRANSPOSE_CONV": glue.transposed,
        "UNIDIRECTIONAL_SEQUENCE_LSTM": glue.cells,
    }
    kept = {"FULLY_CONNECTED": glue.dense_sums, "SVDF": glue.filter_sums}
    kept["UNIDIRECTIONAL_SEQUENCE_LSTM"] = glue.cell_sums
    return KernelSet(f"CMSIS-NN {title}", rules, kept)


C = _set(Extension.NONE, "without extensions")
DSP = _set(Extension.DSP, "with the DSP extension")
DSP_ARMCLANG = _set(Extension.DSP, "with the DSP extension, Arm's compiler", arm_compiler=True)
MVE = _set(Extension.MVE, "with Helium")
MVE_ARMCLANG = _set(Extension.MVE, "with Helium, Arm's compiler", arm_compiler=True)
MVE_SIZE = _set(Extension.MVE, "with Helium, built for size", for_size=True)
