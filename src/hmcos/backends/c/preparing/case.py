"""One operator of a row program, with all that its kernel is prepared from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import numpy as np

from hmcos.backends.c.constants import Constants
from hmcos.backends.c.fixed_point import round_away
from hmcos.backends.c.shared import Shared
from hmcos.backends.c.structures import fits
from hmcos.backends.c.tensors import Quantization, Source
from hmcos.errors import ModelError
from hmcos.graph.graph import Operator, Tensor
from hmcos.graph.rowwise import row_axis
from hmcos.plan.row_parts import RowTensor
from hmcos.streaming.program import RowOperator, RowProgram

INT8 = (-128, 127)
_ACTIVATIONS = {0: (None, None), 1: (0.0, None), 2: (-1.0, 1.0), 3: (0.0, 6.0)}
"""The schema's number of a fused activation to its bounds."""


class Scratch(NamedTuple):
    """Bytes that a kernel of CMSIS-NN needs beside the arena while it runs, by what the processor has."""

    plain: int = 0
    """Without instructions for several numbers at once."""
    dsp: int = 0
    """With the DSP extension: Cortex-M4, M7, M33."""
    mve: int = 0
    """With Helium: Cortex-M52, M55, M85."""


NO_SCRATCH = Scratch()


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel, and what it works on. One step makes one output row, or takes one input row."""

    name: str
    """Of its file, and of its step function without `hm_` and `_step`."""
    params: str
    """The name of its structure of constants."""
    reads: tuple[int, ...]
    """Tensors, in the order in which the kernel numbers them."""
    makes: int
    """The tensor that it makes."""
    rows: int = 1
    """The most rows that it looks at together by an array of pointers."""
    scales: int = 0
    """The number of how it scales, in the shared tables of its kind."""
    scratch: Scratch = NO_SCRATCH


@dataclass(frozen=True)
class Case:
    """An operator of a row program that is being prepared."""

    source: Source
    program: RowProgram
    op: RowOperator
    constants: Constants
    shared: Shared
    sums: int = 0
    """The number of the place of its partial sums, where it has any."""

    @property
    def operator(self) -> Operator:
        """The operator of the source."""
        return self.source.operator(self.op.number)

    @property
    def options(self) -> Any:
        """Its options."""
        return self.source.options(self.op.number)

    def tensor(self, position: int) -> Tensor:
        """Return an input of the source's operator."""
        return self.source.tensors[self.input_id(position)]

    def input_id(self, position: int) -> int:
        """Return the id of an input of the source's operator."""
        found = self.operator.inputs[position] if position < len(self.operator.inputs) else None
        if found is None:
            raise self.refusal("lacks an input")
        return found

    @property
    def first(self) -> int:
        """The first row that an operator takes which sums up rows; 0 for others.

        Raises:
            ModelError: the rows that it takes do not follow each other.
        """
        if self.op.accumulator is None:
            return 0
        rows = [row for needed in self.op.inputs[0].needs for row in needed]
        if rows != list(range(rows[0], rows[0] + self.op.steps)):
            raise self.refusal("adds up rows that do not follow each other")
        return rows[0]

    def read(self, index: int = 0) -> RowTensor:
        """Return the rows of one of the activations that are read."""
        if index >= len(self.op.inputs):
            raise self.refusal("reads constants only; fold it into a constant first")
        return self.program.tensor(self.op.inputs[index].tensor)

    def made(self, index: int = 0) -> RowTensor:
        """Return the rows of an output."""
        return self.program.tensor(self.op.makes[index])

    def output(self, index: int = 0) -> Tensor:
        """Return an output of the source's operator."""
        return self.source.tensors[self.op.makes[index]]

    def of_input(self, position: int = 0) -> Quantization:
        """Return how an input of the source's operator is quantized."""
        return self.source.quantization(self.input_id(position))

    def of_output(self, index: int = 0) -> Quantization:
        """Return how an output is quantized."""
        return self.source.quantization(self.op.makes[index])

    def numbers(self, position: int) -> list[int]:
        """Return the integers of an input that stands in the file.

        Raises:
            ModelError: it does not.
        """
        found = self.source.constant(self.input_id(position))
        if found is None:
            raise self.refusal("is told by an activation what to do; only constants can be compiled")
        return [int(number) for number in found.reshape(-1)]

    def need(self, elements: Sequence[str], *tensors: Tensor) -> None:
        """Check the element types of tensors.

        Raises:
            ModelError: one has another type.
        """
        for tensor in tensors:
            if tensor.element not in elements:
                what = f"works on {tensor.element}; only {' and '.join(elements)} can be compiled"
                raise self.refusal(what)

    def need_one_sign(self) -> None:
        """Check that an operator that computes does so on uint8 where others do.

        Raises:
            ModelError: it computes on int8, for which runtimes round in other ways.
        """
        if self.source.is_mixed(self.op.number):
            raise self.refusal("works on int8 where others work on uint8; convert the whole network to int8")

    def bounds(self) -> tuple[int, int]:
        """Return the least and the greatest number of an output, by the fused activation."""
        quantization = self.of_output()
        kind = int(getattr(self.options, "fusedActivationFunction", 0))
        if kind not in _ACTIVATIONS:
            raise self.refusal("has a fused activation other than RELU, RELU_N1_TO_1 and RELU6")
        least, most = (
            None if bound is None else quantized(bound, quantization) for bound in _ACTIVATIONS[kind]
        )
        return (
            INT8[0] if least is None else max(INT8[0], least),
            INT8[1] if most is None else min(INT8[1], most),
        )

    def refusal(self, reason: str) -> ModelError:
        """Return the error that the operator cannot be compiled, for a reason in words after its name."""
        return self.source.refusal(self.op.number, reason)

    def struct(self, kind: str, *fields: object, size: int, scaling: int = 0) -> str:
        """Return the name of a structure of constants, of so many bytes and some that say how it scales."""
        if not fits(kind, fields):
            raise self.refusal("has a row or an image that is too large for its kernel")
        body = "{" + ", ".join(map(str, fields)) + "}"
        sizes = {"operators": size, "quantization": scaling}
        return self.constants.value(kind, body, kind.removeprefix("hm_"), sizes)


def quantized(value: float, by: Quantization) -> int:
    """Return the integer nearest to a real number, in floats of 32 bits as the kernels reckon it."""
    return by.zero + round_away(float(np.float32(value) / np.float32(by.scale)))


def within_row(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the dimensions of a row of a tensor."""
    return shape[row_axis(shape) + 1 :] if len(shape) > 1 else shape


def plane(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the columns of a row of a tensor, and the numbers of each."""
    row = within_row(shape)
    return prod(row[:-1]), row[-1] if row else 1


def braces(numbers: Iterable[int]) -> str:
    """Return numbers as an initializer in C."""
    return "{" + ", ".join(map(str, numbers)) + "}"
