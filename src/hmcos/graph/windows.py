"""Which part of its inputs an operator needs for a part of its outputs: what tiling has to know of it.

Intervals hold their first number and not their last: [a, b). They count along one axis of a tensor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from hmcos.graph.graph import Graph, Operator


class Interval(NamedTuple):
    """Numbers from `begin` up to, and without, `end`."""

    begin: int
    end: int

    @property
    def length(self) -> int:
        """How many numbers it holds."""
        return self.end - self.begin

    def within(self, size: int) -> Interval:
        """Return what of it lies in [0, size)."""
        return Interval(max(0, self.begin), min(size, self.end))

    def hull(self, other: Interval) -> Interval:
        """Return the smallest interval that holds both."""
        return Interval(min(self.begin, other.begin), max(self.end, other.end))


@dataclass(frozen=True, slots=True)
class Window:
    """A window that slides along the axis: convolutions, pools, pads, and by default, element by element."""

    kernel: int = 1
    stride: int = 1
    dilation: int = 1
    pad: int = 0
    """What the operator adds before the first element; negative where it takes elements away."""

    def made(self, wanted: Interval, size: int) -> Interval:
        """Return which outputs, of so many in all, the operator makes when these are wanted: just these."""
        del size
        return wanted

    def needed(self, made: Interval) -> Interval:
        """Return the inputs for some outputs; what lies outside of the input is padding."""
        begin = made.begin * self.stride - self.pad
        return Interval(
            begin, begin + (made.length - 1) * self.stride + (self.kernel - 1) * self.dilation + 1
        )


@dataclass(frozen=True, slots=True)
class Nearest:
    """Each input is repeated: output o is input o // factor."""

    factor: int

    def made(self, wanted: Interval, size: int) -> Interval:
        """Return the wanted outputs, widened to whole repetitions."""
        return _to_multiples(wanted, self.factor).within(size)

    def needed(self, made: Interval) -> Interval:
        """Return the inputs for some outputs."""
        return Interval(made.begin // self.factor, (made.end - 1) // self.factor + 1)


@dataclass(frozen=True, slots=True)
class Linear:
    """Outputs lie between two inputs, where pixels are areas (half_pixel); the factor is a power of two.

    At its rim a tile does not see the neighbour that the whole has, so that the rim is made and cut off. Two
    inputs are read at least: runtimes weigh a single one in another way, which rounds otherwise.
    """

    factor: int

    def made(self, wanted: Interval, size: int) -> Interval:
        """Return the wanted outputs with a rim, widened to multiples of the factor."""
        half = self.factor // 2
        wide = Interval(wanted.begin - half, wanted.end + half)
        found = _to_multiples(wide, self.factor).within(size)
        if found.length < 2 * self.factor:
            found = Interval(found.begin - self.factor * (found.end == size), found.end + self.factor)
        return found.within(size)

    def needed(self, made: Interval) -> Interval:
        """Return the inputs for some outputs."""
        return Interval(made.begin // self.factor, (made.end - 1) // self.factor + 1)


@dataclass(frozen=True, slots=True)
class Transposed:
    """A transposed convolution: each input is spread over a window of outputs."""

    kernel: int
    stride: int = 1
    dilation: int = 1
    pad: int = 0
    """What the operator takes away before the first output."""

    def made(self, wanted: Interval, size: int) -> Interval:
        """Return which outputs the operator makes when these are wanted: just these."""
        del size
        return wanted

    def needed(self, made: Interval) -> Interval:
        """Return the inputs for some outputs; some may lie outside of the input."""
        a = made.begin + self.pad
        reach = (self.kernel - 1) * self.dilation
        begin = min(-((reach - a) // self.stride), a // self.stride)
        return Interval(begin, (made.end - 1 + self.pad) // self.stride + 1)

    def pads(self, made: Interval, given: Interval) -> tuple[int, int]:
        """Return what is taken away at both ends, so that some inputs give just the outputs to be made.

        A negative number at the end asks for outputs that no input reaches (output_padding).
        """
        begin = made.begin - (given.begin * self.stride - self.pad)
        reach = (self.kernel - 1) * self.dilation
        end = (given.end - 1) * self.stride - self.pad + reach + 1 - made.end
        return begin, end


@dataclass(frozen=True, slots=True)
class Blocks:
    """Blocks of pixels become channels, or channels blocks: `inputs` pixels for each `outputs` pixels."""

    inputs: int
    outputs: int

    def made(self, wanted: Interval, size: int) -> Interval:
        """Return the wanted outputs, widened to whole blocks."""
        return _to_multiples(wanted, self.outputs).within(size)

    def needed(self, made: Interval) -> Interval:
        """Return the inputs for some outputs."""
        blocks = Interval(made.begin // self.outputs, (made.end - 1) // self.outputs + 1)
        return Interval(blocks.begin * self.inputs, blocks.end * self.inputs)


@dataclass(frozen=True, slots=True)
class Whole:
    """Every output needs all that the input has along the axis; mostly that is one element."""

    size: int = 1

    def made(self, wanted: Interval, size: int) -> Interval:
        """Return which outputs the operator makes when these are wanted: just these."""
        del size
        return wanted

    def needed(self, made: Interval) -> Interval:
        """Return all inputs."""
        del made
        return Interval(0, self.size)


@dataclass(frozen=True, slots=True)
class Bordered:
    """A window of which nobody can be told the padding, such as a mean of what the image has.

    At its rim a tile sees less than the whole does, unless that is the border of the image too, so that the
    rim is made and cut off. Every tile has as many inputs more than a multiple of the stride as the image
    has: then it is padded as the image is.
    """

    before: int
    """How far the first window reaches back from its first input; so much is padded."""
    behind: int
    """How far it reaches on."""
    stride: int = 1
    last: int = 1
    """Inputs from the first one of the last output on: 1 to the stride."""

    def made(self, wanted: Interval, size: int) -> Interval:
        """Return the wanted outputs with a rim."""
        begin = wanted.begin + -self.before // self.stride
        return Interval(begin, wanted.end - (self.last - self.behind - 1) // self.stride).within(size)

    def needed(self, made: Interval) -> Interval:
        """Return the inputs for some outputs."""
        return Interval(made.begin * self.stride, (made.end - 1) * self.stride + self.last)


@dataclass(frozen=True, slots=True)
class Spread:
    """A transposed convolution that makes all that its inputs reach, of which some is cut off.

    The stride is not longer than the kernel.
    """

    inputs: int
    """How many there are."""
    kernel: int
    stride: int
    pad: int
    """What the operator takes away before the first output."""

    def made(self, wanted: Interval, size: int) -> Interval:
        """Return all that those inputs reach which the wanted outputs need; it may begin before the first.

        It ends with what is wanted where that is beyond the reach of the last input.
        """
        del size
        begin = -((self.kernel - 1 - wanted.begin - self.pad) // self.stride)
        begin = max(0, min(begin, self.inputs - 1))
        end = min(self.inputs, (wanted.end - 1 + self.pad) // self.stride + 1)
        reached = (end - 1) * self.stride - self.pad + self.kernel
        return Interval(begin * self.stride - self.pad, max(reached, wanted.end))

    def needed(self, made: Interval) -> Interval:
        """Return the inputs for some outputs."""
        end = (made.end + self.pad - self.kernel) // self.stride + 1
        return Interval((made.begin + self.pad) // self.stride, min(self.inputs, end))


AxisMap = Bordered | Spread | Window | Nearest | Linear | Transposed | Blocks | Whole


class Pads(Enum):
    """How an operator can be told of the padding of a tile."""

    NONE = "none"
    """It cannot: what a tile lacks is padded by an operator of its own."""
    EXPLICIT = "explicit"
    """It takes a number for each side."""
    SAME_OR_VALID = "same or valid"
    """It takes one word for both axes: no padding, or what `same_pads` says."""


def same_pads(size: int, window: Window) -> tuple[int, int]:
    """Return the padding before and behind an input of a size that gives ceil(size / stride) outputs.

    The larger half is behind (TensorFlow's SAME, ONNX's SAME_UPPER).
    """
    outputs = -(-size // window.stride)
    total = max(0, (outputs - 1) * window.stride + (window.kernel - 1) * window.dilation + 1 - size)
    return total // 2, total - total // 2


@dataclass(frozen=True, slots=True)
class Summation:
    """How a runtime sums the products of a float convolution: for some shapes of tiles in another order.

    ONNX Runtime multiplies a matrix of weights with one of pixels. It cuts sums into blocks and sums each of
    them by itself; the fewer pixels there are, the longer are the blocks. A single pixel gets a kernel of its
    own, and so does a depthwise convolution whose window is as wide as the image.

    Found in MLAS (sgemm.cpp, convolve.cpp), then tried on 70,000 convolutions in ONNX Runtime 1.32.
    """

    products: int
    """Per output: channels of a group x kernel rows x kernel columns; of a transposed convolution, which adds
    up its window later and always in the same order, channels of a group."""
    channels: int
    """Outputs per group; 1 for depthwise convolutions."""
    by_input: bool = False
    """Whether the pixels of the matrix are those of the input, as in transposed convolutions."""

    def is_kept(self, tile: tuple[int, int], whole: tuple[int, int]) -> bool:
        """Return whether a tile of some rows and columns has the same bits as there are in the whole.

        Rows and columns are those of the input if the rule is `by_input`.
        """
        if tile == whole:
            return True
        pixels = tile[0] * tile[1]
        if pixels == 1 or (self.channels == 1 and tile[1] == 1 and not self.by_input):
            return False
        blocks = _block(pixels), _block(whole[0] * whole[1])
        return blocks[0] == blocks[1] or self.products <= min(blocks)


def _block(pixels: int) -> int:
    """Return how many products ONNX Runtime sums at once, for matrices with so many pixels."""
    return next((1024 >> i for i, most in enumerate((16, 32, 64)) if pixels <= most), 128)


@dataclass(frozen=True, slots=True)
class Rows:
    """How a runtime multiplies matrices: a single row in another way than several."""

    matrices: bool = False
    """Whether each column of the tile is a matrix of its own; otherwise all pixels are rows of one."""

    def is_kept(self, tile: tuple[int, int], whole: tuple[int, int]) -> bool:
        """Return whether a tile of some rows and columns has the same bits as there are in the whole."""
        return tile == whole or tile[0] * (1 if self.matrices else tile[1]) > 1


@dataclass(frozen=True, slots=True)
class Rounding:
    """An operator that a runtime rounds by place.

    Such are functions of which it computes the last few values in another way than those that fill a vector
    of the processor.
    """

    def is_kept(self, tile: tuple[int, int], whole: tuple[int, int]) -> bool:
        """Return whether a tile of some rows and columns has the same bits as there are in the whole."""
        return tile == whole


@dataclass(frozen=True, slots=True)
class Spatial:
    """An operator whose outputs can be made piece by piece."""

    axes: tuple[int, int]
    """The axes of rows and of columns, in all outputs and in the inputs that have maps."""
    inputs: tuple[tuple[AxisMap, AxisMap] | None, ...]
    """Per input the maps of rows and of columns; None for one that every piece reads as it is: parameters,
    and inputs that are left out."""
    macs: int = 0
    """Multiplications and additions per element of the first output, or of `macs_of`."""
    pads: Pads = Pads.NONE
    """How padding of the first input is told; of no effect where no map goes outside of the input."""
    most_pad: tuple[int, int] | None = None
    """Elements: the most padding that each axis may have at one side; None for any."""
    fill: float | None = None
    """What padding that gets an operator of its own is filled with; None for the type's zero (of quantized
    types: the zero point)."""
    bits: Summation | Rows | Rounding | None = None
    """Which tiles have the same bits as the whole; None for all of them."""
    macs_of: int | None = None
    """The input whose elements `macs` counts: a transposed convolution spreads each of them."""


@dataclass(frozen=True, slots=True)
class Barrier:
    """An operator that is left whole."""

    reason: str
    """Why, in words that end a sentence after the operator's name: `sums over rows`."""
    macs: int = 0
    """Multiplications and additions in all."""


Windows = tuple[Spatial | Barrier, ...]
"""What tiling has to know of a network, per operator of the source."""

KernelScratch = Callable[[Graph, Operator], int]
"""From a graph and an operator of it to the bytes of scratch that its kernel asks for."""


def _to_multiples(interval: Interval, factor: int) -> Interval:
    return Interval(interval.begin // factor * factor, -(-interval.end // factor) * factor)
