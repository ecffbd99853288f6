"""What a TensorFlow Lite file says of tensors beyond the graph: quantization and constants."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import inf
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from hmcos.errors import ModelError
from hmcos.frontends.model import Model
from hmcos.frontends.tflite.reading import parse
from hmcos.frontends.tflite.schema import ModelT, content_of, integers
from hmcos.graph.graph import Operator, Tensor

_TYPES = {"int8": "<i1", "uint8": "<u1", "int16": "<i2", "int32": "<i4", "int64": "<i8", "float32": "<f4"}
_RANGES = {"int8": (-128, 127), "uint8": (0, 255)}
"""The least and the largest number of a type."""
_ANY_TYPE = frozenset(
    {
        *("CONCATENATION", "DEPTH_TO_SPACE", "DEQUANTIZE", "EXPAND_DIMS", "QUANTIZE", "RESHAPE", "SLICE"),
        *("SPACE_TO_DEPTH", "SPLIT", "SPLIT_V", "SQUEEZE", "STRIDED_SLICE", "TRANSPOSE"),
    }
)
"""Kinds whose kernels take numbers of both signs as they are."""


@dataclass(frozen=True, slots=True)
class Quantization:
    """How the integers of a tensor stand for real numbers."""

    scales: tuple[float, ...]
    """Of one number for the tensor, or one per channel; each is exactly a float of 32 bits."""
    zero: int
    """The integer that stands for zero."""
    axis: int = 0
    """The dimension whose channels have scales of their own, where there are several."""

    @property
    def scale(self) -> float:
        """The scale of the tensor, or that of its first channel."""
        return self.scales[0]


@dataclass(frozen=True)
class Source:
    """A model and the file that says more of it."""

    model: Model

    @cached_property
    def file(self) -> ModelT:
        """The file as the schema's objects."""
        return parse(cast(bytes, self.model.proto))

    @cached_property
    def is_unsigned(self) -> bool:
        """Whether operators compute on uint8, so that the twin in int8 is compiled: 128 less."""
        graph = self.model.graph
        return any(
            graph.tensors[t].element == "uint8"
            for op in graph.operators
            if op.kind not in _ANY_TYPE
            for t in (*op.reads, *op.makes)
        )

    @cached_property
    def has_bits_of_litert(self) -> bool:
        """Whether it is compiled to the bits of LiteRT: it computes on uint8, or only moves such numbers."""
        graph = self.model.graph
        moves = all(op.kind in _ANY_TYPE for op in graph.operators)
        ends = (*graph.inputs, *graph.outputs)
        return self.is_unsigned or (moves and any(graph.tensors[t].element == "uint8" for t in ends))

    def is_mixed(self, number: int) -> bool:
        """Return whether an operator computes on int8 in a network in which others compute on uint8."""
        op, tensors = self.operator(number), self.model.graph.tensors
        if not self.is_unsigned or op.kind in _ANY_TYPE:
            return False
        return any(tensors[t].element == "int8" for t in (*op.reads, *op.makes))

    @cached_property
    def tensors(self) -> tuple[Tensor, ...]:
        """The tensors of the graph, by their ids; of the twin, where that is compiled."""
        given = self.model.graph.tensors
        if not self.is_unsigned:
            return given
        return tuple(replace(t, element="int8") if t.element == "uint8" else t for t in given)

    def is_flipped(self, tensor: int) -> bool:
        """Return whether a tensor of uint8 is one of int8 in the twin."""
        return self.is_unsigned and self.model.graph.tensors[tensor].element == "uint8"

    def operator(self, number: int) -> Operator:
        """Return an operator of the graph."""
        return self.model.graph.operators[number]

    def options(self, number: int) -> Any:
        """Return the options of an operator; None where the file has none."""
        return ((self.file.subgraphs or [])[0].operators or [])[number].builtinOptions

    def quantization(self, tensor: int) -> Quantization:
        """Return how a tensor is quantized.

        Raises:
            ModelError: it is not, or by numbers that quantize nothing.
        """
        found: Any = getattr(((self.file.subgraphs or [])[0].tensors or [])[tensor], "quantization", None)
        if found is None or found.scale is None or not len(found.scale):
            raise ModelError(f"{self._named(tensor)} is not quantized; convert the model to int8")
        zeros = set(integers(found.zeroPoint))
        if not zeros:
            raise ModelError(f"{self._named(tensor)} has a scale and no zero point; convert the model again")
        if len(zeros) > 1:
            raise ModelError(f"{self._named(tensor)} has several zero points; convert the model again")
        scales, zero = tuple(float(np.float32(scale)) for scale in found.scale), zeros.pop()
        least, most = _RANGES.get(self.model.graph.tensors[tensor].element, (-(2**31), 2**31 - 1))
        if not (all(0 <= scale < inf for scale in scales) and least <= zero <= most):
            raise ModelError(
                f"{self._named(tensor)} has a scale of {scales[0]} and the zero point {zero}, which "
                "stand for no numbers; convert the model again"
            )
        return Quantization(scales, zero - 128 * self.is_flipped(tensor), found.quantizedDimension)

    def _named(self, tensor: int) -> str:
        where = f"{self.model.path}: " if self.model.path else ""
        return f"{where}tensor {tensor} ({self.tensors[tensor].name!r})"

    def constant(self, tensor: int) -> NDArray[Any] | None:
        """Return the numbers of a tensor that stands in the file, in its shape; None where it does not."""
        known = self.model.graph.tensors[tensor]
        held = ((self.file.subgraphs or [])[0].tensors or [])[tensor]
        content = content_of((self.file.buffers or [])[held.buffer])
        if known.element not in _TYPES or len(content) != known.size or not known.is_parameter:
            return None
        found = np.frombuffer(content, _TYPES[known.element]).reshape(known.shape)
        return (found ^ 128).astype(np.uint8).view(np.int8) if self.is_flipped(tensor) else found

    def refusal(self, number: int, reason: str) -> ModelError:
        """Return the error that an operator cannot be compiled, for a reason in words after its name."""
        where = f"{self.model.path}: " if self.model.path else ""
        return ModelError(f"{where}{self.operator(number).title} {reason}")
