"""An operator as a kernel of TensorFlow Lite for Microcontrollers sees it when it is set up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from hmcos.frontends.tflite.facts import RANK, Facts
from hmcos.graph.graph import Graph, Operator, Tensor

_MOST = 2**31
"""The runtime reads sizes from options as int32."""
Requests = tuple[int, ...]
"""Bytes of each piece of scratch that a kernel requests, before they are rounded up."""
Rule = Callable[["Node"], "Requests | None"]
"""From an operator to what its kernel requests; None where that is not known."""


class Image(NamedTuple):
    """The sizes of a tensor of images, as NHWC."""

    n: int
    h: int
    w: int
    c: int


class Sliding(NamedTuple):
    """How a window slides along rows and columns."""

    stride: tuple[int, int]
    dilation: tuple[int, int]
    pad: tuple[int, int]
    """Elements before the first row and column."""


@dataclass(frozen=True)
class Node:
    """An operator, or a tile of one, with what the file says of it."""

    graph: Graph
    """Of the operator, or of the tile."""
    op: Operator
    facts: Callable[[], Facts]
    """Of the file; called only where shapes do not say enough."""
    pointer: int = 8
    """Bytes of a pointer where it runs: 8 where plans are checked, which is enough elsewhere, too."""

    def tensor(self, position: int) -> Tensor | None:
        """Return an input; None where it is left out."""
        return self.graph.input_of(self.op, position)

    @property
    def output(self) -> Tensor | None:
        """The first output."""
        return self.graph.tensors[self.op.makes[0]] if self.op.makes else None

    @cached_property
    def options(self) -> Any:
        """Its options; None where the file has none, or those of another kind."""
        facts = self.facts()
        return facts.options(self._whole(facts))

    def setting(self, name: str) -> int | None:
        """Return a size in the options of a custom operator; None where they do not say it."""
        facts = self.facts()
        found = facts.setting(self._whole(facts), name)
        return found if found is not None and 0 <= found < _MOST else None

    def scales(self, position: int) -> int:
        """Return the number of scales by which an input is quantized."""
        facts = self.facts()
        return facts.scales(self._whole(facts), position)

    def _whole(self, facts: Facts) -> Operator:
        """Return the operator of the file that this is, or is a tile of."""
        number = self.op.number if self.op.tile_of is None else self.op.tile_of
        return facts.graph.operators[number]

    def element(self, position: int = 0) -> str:
        """Return the element type of an input; empty where it is left out."""
        tensor = self.tensor(position)
        return "" if tensor is None else tensor.element

    def images(self, *positions: int) -> list[Image] | None:
        """Return the sizes of inputs, then those of the output; None where one has no rows and columns."""
        tensors = [*(self.tensor(position) for position in positions), self.output]
        shapes = [tensor.shape for tensor in tensors if tensor is not None and len(tensor.shape) == RANK]
        return [Image(*shape) for shape in shapes] if len(shapes) == len(tensors) else None

    def window(self) -> tuple[Image, Image, Image, Sliding] | None:
        """Return the sizes of the input, of the window and of the output, and how the window slides.

        None where the file does not say it. Padding before the first row and column is half of what is
        missing, rounded down (tensorflow/lite/kernels/padding.h); of VALID windows none is missing.
        """
        images, options = self.images(0, 1), self.options
        if images is None or options is None:
            return None
        data, window, output = images
        stride = options.strideH, options.strideW
        dilation = getattr(options, "dilationHFactor", 1), getattr(options, "dilationWFactor", 1)
        sizes = zip(data[1:3], window[1:3], output[1:3], stride, dilation, strict=True)
        pad = [
            max(0, (made - 1) * step + (size - 1) * wide + 1 - whole) // 2
            for whole, size, made, step, wide in sizes
        ]
        return data, window, output, Sliding(stride, dilation, (pad[0], pad[1]))
