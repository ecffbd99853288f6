"""Networks of repeated normal and reduction cells: how a cell is built, and how cells are stacked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from hmcos.zoo.layers import LAYOUTS, Layers, image_shape
from hmcos.zoo.network import BundledNetwork, NetworkBuilder
from hmcos.zoo.parameters import check_choice, check_seed, check_switch, check_whole
from hmcos.zoo.weights import Weights

STEM = 32
"""Channels of the first convolution, independent of the width of the cells."""

Operation = Literal[
    "identity",
    "average 1x1",
    "average 3x3",
    "max 3x3",
    "separable 3x3",
    "separable 5x5",
    "separable 7x7",
    "dilated separable 3x3",
    "1x7 then 7x1",
]
Branch = tuple[Operation, int]
"""An operation and the state it reads: 0 is the cell before the last, 1 the last cell, 2 + b the block b."""


@dataclass(frozen=True)
class CellDesign:
    """A cell in the notation of architecture search."""

    blocks: tuple[tuple[Branch, Branch], ...]
    """Each block adds its two branches; the sum is the next state."""
    result: tuple[int, ...]
    """The states that are concatenated."""


@dataclass(frozen=True)
class CellNetwork(BundledNetwork):
    """A network of normal and reduction cells; each family has its own two designs.

    Raises:
        OptionError: a parameter is out of range.
    """

    family: ClassVar[str]
    normal: ClassVar[CellDesign]
    """The cell that keeps the image size."""
    reduction: ClassVar[CellDesign]
    """The cell that halves the image size."""

    dataset: str = "cifar"
    """cifar: images of 32x32 pixels; three stages of `cells` normal cells, with reduction cells in between.
    imagenet: 224x224 pixels; the same after a stem that halves the image three times, twice by reduction
    cells."""
    cells: int = 6
    """Normal cells in each of the three stages."""
    filters: int = 32
    """Channels of each operation in the first cell; every reduction cell doubles them."""
    classes: int | None = None
    """Number of output scores; None means 100 for cifar and 1000 for imagenet."""
    batch: int = 1
    fold_batch_norm: bool = True
    """Whether batch normalisation is folded into the convolution before it, or is a separate operator."""
    layout: str = "nchw"
    """Layout of the input images: nchw, or nhwc, which adds an operator that transposes them."""
    seed: int = 0
    """Seed of the weights."""

    def __post_init__(self) -> None:
        check_choice("dataset", self.dataset, ("cifar", "imagenet"))
        for name in ("cells", "filters", "batch"):
            check_whole(name, getattr(self, name))
        if self.classes is not None:
            check_whole("classes", self.classes)
        check_seed(self.seed)
        check_switch("fold_batch_norm", self.fold_batch_norm)
        check_choice("layout", self.layout, LAYOUTS)

    def network(self) -> NetworkBuilder:
        """Return the network, layer by layer."""
        imagenet = self.dataset == "imagenet"
        pixels = 224 if imagenet else 32
        network = NetworkBuilder(
            f"{self.family}-{self.dataset}", image_shape(self.layout, self.batch, pixels)
        )
        layers = Layers(network, Weights(self.seed), self.fold_batch_norm)
        image = layers.image(self.layout)
        before, last = None, layers.conv(image, STEM, (3, 3), stride=2 if imagenet else 1)
        filters = self.filters
        for stride in self._strides():
            filters *= stride
            cell = self.reduction if stride == 2 else self.normal
            before, last = last, _Step(layers, filters, stride).cell(cell, before, last)
        layers.classify(layers.relu(last), self.classes or (1000 if imagenet else 100))
        return network

    def _strides(self) -> list[int]:
        """Return the stride of each cell, from input to output (NASNet, figure 2)."""
        stem = [2, 2] if self.dataset == "imagenet" else []
        stage = [1] * self.cells
        return [*stem, *stage, 2, *stage, 2, *stage]


@dataclass(frozen=True, slots=True)
class _Step:
    """The construction of one cell."""

    layers: Layers
    filters: int
    stride: int
    """Stride of the operations that read earlier cells."""

    def cell(self, cell: CellDesign, before: int | None, last: int) -> int:
        """Return the output of a cell that reads the two cells before it; the first cell has only one."""
        state1 = self._squeeze(last)
        states = [state1 if before is None else self._fit(before, state1), state1]
        for first, second in cell.blocks:
            states.append(self.layers.add(self._branch(first, states), self._branch(second, states)))
        return self.layers.concat(tuple(states[s] for s in cell.result))

    def _squeeze(self, x: int) -> int:
        """Return x with the number of channels of this cell."""
        return self.layers.conv(self.layers.relu(x), self.filters)

    def _fit(self, x: int, like: int) -> int:
        """Return x with the number of channels of this cell and the image size of `like`."""
        shape = self.layers.network.shape
        return self._squeeze(x) if shape(x)[2:] == shape(like)[2:] else self._halve(x)

    def _halve(self, x: int) -> int:
        """Return x at half the image size by two paths, one shifted by a pixel (factorized reduction)."""
        layers, active = self.layers, self.layers.relu(x)
        straight = layers.plain_conv(layers.average_pool(active, 1, 2), self.filters // 2)
        shifted = layers.average_pool(layers.shift(active), 1, 2)
        both = layers.concat((straight, layers.plain_conv(shifted, self.filters - self.filters // 2)))
        return layers.batch_norm(both)

    def _branch(self, branch: Branch, states: list[int]) -> int:
        operation, state = branch
        x, stride, layers = states[state], self.stride if state < 2 else 1, self.layers
        match operation:
            case "identity":
                return x
            case "max 3x3":
                return layers.max_pool(x, 3, stride)
            case "average 1x1" | "average 3x3":
                return layers.average_pool(x, int(operation[-1]), stride)
            case "separable 3x3" | "separable 5x5" | "separable 7x7":
                kernel = int(operation[-1])
                once = layers.separable_conv(layers.relu(x), self.filters, kernel, stride)
                return layers.separable_conv(layers.relu(once), self.filters, kernel)
            case "dilated separable 3x3":
                return layers.separable_conv(layers.relu(x), self.filters, 3, stride, dilation=2)
            case "1x7 then 7x1":
                return layers.conv(layers.conv(x, self.filters, (1, 7), stride), self.filters, (7, 1))
