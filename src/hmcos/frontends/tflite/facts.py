"""What a TensorFlow Lite file says of an operator beyond its graph: options, constants, and MACs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from flatbuffers import flexbuffers

from hmcos.frontends.tflite.checking import DAMAGE
from hmcos.frontends.tflite.schema import ModelT, SubGraphT, content_of, integers, words
from hmcos.graph.graph import Graph, Operator, Tensor

RANK = 4
"""Of images and of filters."""
_NUMBERS = {"INT32": "<i4", "INT64": "<i8"}
_OPTIONS = {
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "BATCH_MATMUL": "BatchMatMulOptions",
    "CONCATENATION": "ConcatenationOptions",
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "DEPTH_TO_SPACE": "DepthToSpaceOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "RESIZE_BILINEAR": "ResizeBilinearOptions",
    "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions",
    "SPACE_TO_DEPTH": "SpaceToDepthOptions",
    "STRIDED_SLICE": "StridedSliceOptions",
    "TRANSPOSE_CONV": "TransposeConvOptions",
}


@dataclass(frozen=True)
class Facts:
    """The operators of a graph, and the file that says more of them."""

    graph: Graph
    source: ModelT
    subgraph: int = 0
    """The number of the graph in the file."""

    def options(self, op: Operator) -> Any:
        """Return the options of an operator; None where the file has none, or those of another kind."""
        found = (self._subgraph.operators or [])[op.number].builtinOptions
        return found if type(found).__name__ == f"{_OPTIONS.get(op.kind)}T" else None

    def tensor(self, op: Operator, position: int) -> Tensor | None:
        """Return an input; None where it is left out."""
        return self.graph.input_of(op, position)

    def numbers(self, op: Operator, position: int) -> list[int] | None:
        """Return the integers of an input that stands in the file; None where it does not."""
        t = op.input(position)
        return None if t is None else self.numbers_in(t)

    def numbers_in(self, tensor: int) -> list[int] | None:
        """Return the integers of a tensor that stands in the file; None where it does not."""
        known = (self._subgraph.tensors or [])[tensor]
        kind = _NUMBERS.get(words("TensorType").get(known.type, ""))
        content = content_of((self.source.buffers or [])[known.buffer])
        if known.isVariable or kind is None or len(content) != self.graph.tensors[tensor].size:
            return None
        return [int(number) for number in np.frombuffer(content, kind)]

    def has_several_scales(self, op: Operator) -> bool:
        """Return whether inputs of an operator are quantized in other ways than its output."""
        tensors: Any = self._subgraph.tensors or []
        ways = [_numbers_of(tensors[t].quantization) for t in (*op.makes, *op.reads)]
        return any(way != ways[0] for way in ways)

    def setting(self, op: Operator, name: str) -> int | None:
        """Return a whole number in the options of a custom operator; None where they do not say it."""
        custom: Any = (self._subgraph.operators or [])[op.number]
        try:
            found = cast(Any, flexbuffers).GetRoot(bytes(custom.customOptions)).AsMap[name]
            return int(found.AsInt) if found.IsInt else None
        except (*DAMAGE, KeyError):
            return None

    def scales(self, op: Operator, position: int) -> int:
        """Return the number of scales by which an input is quantized; 0 where it is left out."""
        t = op.input(position)
        tensors: Any = self._subgraph.tensors or []
        return 0 if t is None else len(_numbers_of(tensors[t].quantization)[0])

    @property
    def _subgraph(self) -> SubGraphT:
        return (self.source.subgraphs or [])[self.subgraph]

    def output(self, op: Operator) -> Tensor:
        """Return the first output."""
        return self.graph.tensors[op.makes[0]]

    def are_images(self, op: Operator, position: int = 0) -> bool:
        """Return whether an input and the first output have rows and columns."""
        data = self.tensor(op, position)
        return data is not None and len(data.shape) == len(self.output(op).shape) == RANK

    def macs(self, op: Operator) -> int:
        """Return the multiplications and additions of an operator in all."""
        data = self.tensor(op, 2)
        if op.kind == "TRANSPOSE_CONV" and data is not None:
            return self.products(op) * data.elements
        return self.products(op) * self.output(op).elements if op.makes else 0

    def products(self, op: Operator) -> int:
        """Return how many products are summed for each element of the output; 0 where none are.

        Of a transposed convolution: how many are made of each element of the input.
        """
        data, weights = self.tensor(op, 0), self.tensor(op, 1)
        if data is None or weights is None or not data.shape or not weights.shape:
            return 0
        filters = weights.shape
        if op.kind == "FULLY_CONNECTED":
            return filters[-1]
        if op.kind == "BATCH_MATMUL":
            options = self.options(op)
            turned = options is not None and options.adjX
            return data.shape[-2:][0] if turned else data.shape[-1]
        if len(filters) != RANK:
            return 0
        area = filters[1] * filters[2]
        return {
            "CONV_2D": area * filters[3],
            "DEPTHWISE_CONV_2D": area,
            "TRANSPOSE_CONV": area * filters[0],
        }.get(op.kind, 0)


def _numbers_of(quantization: Any) -> tuple[list[float], list[int]]:
    """Return scales and zero points."""
    scales = getattr(quantization, "scale", None)
    zeros = getattr(quantization, "zeroPoint", None)
    return ([] if scales is None else [float(scale) for scale in scales]), integers(zeros)
