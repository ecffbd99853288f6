"""Tensors that a rewrite adds to the main graph of a file."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np

from hmcos.frontends.tflite.buffers import EMPTY
from hmcos.frontends.tflite.schema import ELEMENTS, content_of, integers, schema, text, words
from hmcos.graph.graph import Graph
from hmcos.graph.rewrite import Part


class Added:
    """The tensors of a main graph in memory, to which some are added; their numbers are places in it."""

    def __init__(self, graph: Graph, source: Any) -> None:
        self.graph, self.buffers = graph, source.buffers
        self.tensors: list[Any] = source.subgraphs[0].tensors
        self.names = {text(tensor.name) for tensor in self.tensors}
        self.parts: set[int] = set()
        """Those that stand for a box of a tensor of the source."""
        self.constants: dict[object, int] = {}
        self.empty = self._empty()

    def _empty(self) -> int:
        """Return a buffer for tensors without data: the first, or a new one where that has some."""
        if content_of(self.buffers[EMPTY]):
            self.buffers.append(schema().BufferT())
            return len(self.buffers) - 1
        return EMPTY

    def part(self, part: Part) -> int:
        """Return the number of a new tensor that is a box of one of the source."""
        whole, shape = self.tensors[part.tensor], part.shape(self.graph.tensors[part.tensor].shape)
        made = copy(whole)
        rows, columns = part.box
        title = f"{text(whole.name)}[{rows.begin}:{rows.end},{columns.begin}:{columns.end}]"
        made.name, made.shape, made.buffer, made.isVariable = self._unused(title), [*shape], self.empty, False
        signature = integers(whole.shapeSignature)
        if len(signature) == len(shape):
            for axis in part.axes:
                signature[axis] = shape[axis]
            made.shapeSignature = signature
        self.tensors.append(made)
        self.parts.add(len(self.tensors) - 1)
        return len(self.tensors) - 1

    def numbers(self, listed: Sequence[int]) -> int:
        """Return the number of a constant that holds integers."""
        return self.constant(np.array(listed, "<i4"))

    def constant(self, values: np.ndarray, like: int | None = None) -> int:
        """Return the number of a constant, a new one where there was none like it.

        It is quantized as the tensor `like` is, or not at all.
        """
        known = None if like is None else self.tensors[like]
        quantized = None if known is None else known.quantization
        key = values.dtype.str, values.shape, values.tobytes(), id(quantized)
        if key not in self.constants:
            self.buffers.append(schema().BufferT(list(values.tobytes())))
            name = self._unused("constant " + ",".join(str(value) for value in values.flat))
            made = schema().TensorT(
                shape=list(values.shape),
                type=schema().TensorType.INT32 if known is None else known.type,
                buffer=len(self.buffers) - 1,
                name=name,
                quantization=quantized,
            )
            self.tensors.append(made)
            self.constants[key] = len(self.tensors) - 1
        return self.constants[key]

    def element(self, tensor: int) -> str:
        """Return the element type of a tensor, in numpy's spelling."""
        return ELEMENTS[words("TensorType")[self.tensors[tensor].type]][0]

    def shape(self, tensor: int) -> list[int]:
        """Return the shape of a tensor."""
        return integers(self.tensors[tensor].shape)

    def _unused(self, wanted: str) -> str:
        """Return a name that no tensor has, the wanted one if it is free."""
        name, tries = wanted, 1
        while name in self.names:
            tries += 1
            name = f"{wanted} {tries}"
        self.names.add(name)
        return name
