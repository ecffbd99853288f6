"""MobileNetV2: Sandler, Howard, Zhu, Zhmoginov, Chen, Inverted Residuals and Linear Bottlenecks.

CVPR 2018, table 2, doi 10.1109/CVPR.2018.00474; channels and padding as torchvision has them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hmcos.errors import OptionError
from hmcos.zoo.layers import LAYOUTS, Layers, Unit, image_shape
from hmcos.zoo.network import BundledNetwork, NetworkBuilder
from hmcos.zoo.parameters import check_choice, check_seed, check_switch, check_whole
from hmcos.zoo.quantized_layers import QuantizedLayers
from hmcos.zoo.weights import Weights

_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Expansion, channels, blocks, and stride of the first block (table 2 of the paper)."""
_STEM = 32
_FEATURES = 1280
_WIDEST = 1000.0
_RELU6 = 0.5
"""Mean square behind a ReLU6, if before it the mean was 0 and the variance 1."""


@dataclass(frozen=True)
class MobileNetV2(BundledNetwork):
    """A MobileNetV2 for square coloured images.

    Raises:
        OptionError: a parameter is out of range.
    """

    width: float = 1.0
    """Factor of all channels, which are rounded to multiples of 8; the last layer keeps at least 1280."""
    resolution: int = 224
    """Height and width of the image."""
    classes: int = 1000
    batch: int = 1
    int8: bool = False
    """Whether the network is quantized to 8-bit integers, in the form QDQ, with a scale per channel of
    weights. Where a ReLU6 was, QuantizeLinear then limits values to between 0 and 6."""
    fold_batch_norm: bool = True
    """Whether batch normalisation is folded into the convolution before it, or is a separate operator."""
    layout: str = "nchw"
    """Layout of the input images: nchw, or nhwc, which adds an operator that transposes them."""
    seed: int = 0
    """Seed of the weights."""

    def __post_init__(self) -> None:
        for name in ("resolution", "classes", "batch"):
            check_whole(name, getattr(self, name))
        check_seed(self.seed)
        check_switch("int8", self.int8)
        check_switch("fold_batch_norm", self.fold_batch_norm)
        check_choice("layout", self.layout, LAYOUTS)
        number = isinstance(self.width, int | float) and not isinstance(self.width, bool)
        if not number or not 0 < self.width <= _WIDEST:
            raise OptionError(
                f"zoo: width is {self.width!r}: it must be a number above 0, at most {_WIDEST:.0f}"
            )
        if self.int8 and not self.fold_batch_norm:
            raise OptionError("zoo: int8 needs batch normalisation folded: leave out --no-fold-batch-norm")

    def network(self) -> NetworkBuilder:
        """Return the network, layer by layer."""
        shape = image_shape(self.layout, self.batch, self.resolution)
        network = NetworkBuilder("mobilenet-v2", shape, as_made=True)
        weights = Weights(self.seed)
        if self.int8:
            layers: Layers | QuantizedLayers = QuantizedLayers(network, weights)
        else:
            layers = Layers(network, weights, self.fold_batch_norm)
        x, variance = layers.unit(layers.image(self.layout), Unit(self._channels(_STEM), 3, 2)), _RELU6
        for expansion, channels, stride in self._blocks():
            entering = network.shape(x)[1]
            made = x
            if expansion > 1:
                made = layers.unit(made, Unit(expansion * entering, gain=1 / variance))
            made = layers.unit(made, Unit(None, 3, stride, gain=1 / _RELU6))
            made = layers.unit(made, Unit(channels, gain=1 / _RELU6, relu6=False))
            residual = stride == 1 and channels == entering
            x = layers.add(x, made) if residual else made
            variance = variance + 1 if residual else 1.0
        x = layers.unit(x, Unit(self._channels(_FEATURES, max(1.0, self.width)), gain=1 / variance))
        layers.dense(x, self.classes, gain=1 / _RELU6)
        return network

    def _blocks(self) -> Iterator[tuple[int, int, int]]:
        """Yield the expansion, the channels and the stride of each block."""
        for expansion, channels, blocks, stride in _STAGES:
            for number in range(blocks):
                yield expansion, self._channels(channels), 1 if number else stride

    def _channels(self, channels: int, width: float | None = None) -> int:
        """Return channels times the width: a multiple of 8 that is not more than a tenth too small."""
        exact = channels * (self.width if width is None else width)
        rounded = max(8, int(exact + 4) // 8 * 8)
        return rounded if rounded >= 0.9 * exact else rounded + 8
