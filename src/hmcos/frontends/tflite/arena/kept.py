"""What kernels keep by their shapes, by the rules that kernels.toml names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hmcos.frontends.tflite.arena.sizes import Build, Kernel
from hmcos.graph.graph import Graph, Operator, Tensor

_NUMBER = 4
_KISS_FACTORS = 4 * (2 + 2 * 32)
"""Bytes before the roots in what kissfft keeps: length, direction, and the factors of the length."""
_TABLE = 2 * 513
"""Bytes of a table of SOFTMAX on 16 bits."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An operator whose kernel keeps more than its data."""

    build: Build
    kernel: Kernel
    graph: Graph
    op: Operator
    channels: int
    """The scales of its weights, its second input."""
    transposes: tuple[bool, bool]
    """Whether a BATCH_MATMUL has its first and its second input transposed already, as its options say."""
    is_valued: bool = False
    """Whether an operator before an ASSIGN_VARIABLE has made room for the value of its resource."""

    def input(self, position: int) -> Tensor | None:
        """Return an input; None if it is left out."""
        return self.graph.input_of(self.op, position)

    @property
    def output(self) -> Tensor:
        """The first output."""
        return self.graph.tensors[self.op.makes[0]]


def also_kept(kept: Kept) -> list[int]:
    """Return the bytes of everything that a kernel keeps besides options and data, one by one."""
    return _RULES[kept.kernel.rule](kept) if kept.kernel.rule else []


def _per_channel(kept: Kept) -> list[int]:
    """A multiplier and a shift per channel; the rule's number is the axis of the weights' channels."""
    weights = kept.input(1)
    if weights is None:
        return []
    return 2 * [_NUMBER * weights.shape[kept.kernel.numbers[0]]]


def _per_channel_of_many(kept: Kept) -> list[int]:
    """The same where the weights are quantized per channel."""
    return 2 * [_NUMBER * kept.channels] if kept.channels > 1 and kept.output.element != "float32" else []


def _data_if_int8(kept: Kept) -> list[int]:
    """Data, of the rule's size, where the output has 8 bits."""
    return [_number(kept)] if kept.output.element == "int8" else []


def _own_shape(kept: Kept) -> list[int]:
    """A copy of the shape of the output, with its length."""
    return [_shape(kept.output)]


def _own_shape_then_data(kept: Kept) -> list[int]:
    """The same, and only then data, of the rule's size."""
    return [*_own_shape(kept), _number(kept)]


def _number(kept: Kept) -> int:
    """Return the number of a rule; the last one is for firmware."""
    numbers = kept.kernel.numbers
    return numbers[-1] if kept.build.pointer == _NUMBER else numbers[0]


def _softmax_tables(kept: Kept) -> list[int]:
    data = kept.input(0)
    return [_TABLE, _TABLE] if data is not None and data.element == "int16" else []


def _batch_matmul(kept: Kept) -> list[int]:
    """Numbers of quantization, and a transposed copy of the inputs that need it."""
    sides = kept.input(0), kept.input(1)
    found = [7 * _NUMBER] if sides[0] is not None and sides[0].element in ("int8", "int16") else []
    for side, copied in zip(sides, kept.transposes, strict=True):
        if side is not None and copied:
            found += [kept.build["eval_tensor"].size, _shape(side), side.size]
    return [*found, _shape(kept.output)]


def _resource(kept: Kept) -> list[int]:
    """The value of a resource, which its first ASSIGN_VARIABLE makes room for."""
    value = kept.input(1)
    return [] if value is None or kept.is_valued else [value.size]


def _sums_of_channels(kept: Kept) -> list[int]:
    """A sum of 64 bits for each channel, and one more."""
    return [2 * _NUMBER * (1 + kept.output.elements)]


def _noise_of_channels(kept: Kept) -> list[int]:
    """A number for each channel."""
    return [_NUMBER * kept.output.elements]


def _fourier(kept: Kept) -> list[int]:
    """What kissfft keeps for a real transform: that of half its length, three pointers, and more roots.

    The output has a complex number for each half of the samples, and one more.
    """
    half = kept.output.shape[-1] // 2 - 1
    root = 2 * kept.output.bits // 8
    complex_one = _KISS_FACTORS + root * half
    return [complex_one + 3 * kept.build.pointer + root * (half * 3 // 2)]


def _shape(tensor: Tensor) -> int:
    return _NUMBER * (1 + len(tensor.shape))


_RULES: dict[str, Callable[[Kept], list[int]]] = {
    "per_channel": _per_channel,
    "per_channel_of_many": _per_channel_of_many,
    "data_if_int8": _data_if_int8,
    "own_shape": _own_shape,
    "own_shape_then_data": _own_shape_then_data,
    "softmax_tables": _softmax_tables,
    "batch_matmul": _batch_matmul,
    "resource": _resource,
    "sums_of_channels": _sums_of_channels,
    "noise_of_channels": _noise_of_channels,
    "fourier": _fourier,
}
