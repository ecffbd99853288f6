"""RandWire: Xie, Kirillov, Girshick, He, Exploring Randomly Wired Neural Networks for Image Recognition.

ICCV 2019, sections 3 and 4 (the small regime), doi 10.1109/ICCV.2019.00137.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from hmcos.errors import OptionError
from hmcos.zoo.layers import LAYOUTS, Layers, image_shape
from hmcos.zoo.network import BundledNetwork, NetworkBuilder
from hmcos.zoo.parameters import check_choice, check_seed, check_switch, check_whole
from hmcos.zoo.watts_strogatz import small_world
from hmcos.zoo.weights import Weights

_IMAGE = 224
_FEATURES = 1280
"""Channels before the classifier (table 1 of the paper)."""


@dataclass(frozen=True)
class RandWire(BundledNetwork):
    """A randomly wired network for images of 224x224 pixels.

    Raises:
        OptionError: a parameter is out of range.
    """

    nodes: int = 32
    """Nodes per stage; each is one separable convolution."""
    k: int = 4
    """Neighbours of a node in the ring; an even number."""
    p: float = 0.75
    """Probability of moving an edge."""
    channels: int = 78
    """Channels of the first stage; every stage halves the image and doubles the channels."""
    stages: int = 3
    classes: int = 1000
    batch: int = 1
    fold_batch_norm: bool = True
    """Whether batch normalisation is folded into the convolution before it, or is a separate operator."""
    fold_sums: bool = False
    """Whether a weighted sum of nodes is one operator (with its weights folded into the nodes), or a stack
    that is multiplied by the weights, as Keras exports it."""
    layout: str = "nchw"
    """Layout of the input images: nchw, or nhwc, which adds an operator that transposes them."""
    seed: int = 0
    """Seed of the wiring and the weights."""

    def __post_init__(self) -> None:
        for name in ("nodes", "k", "channels", "stages", "classes", "batch"):
            check_whole(name, getattr(self, name))
        check_seed(self.seed)
        check_switch("fold_batch_norm", self.fold_batch_norm)
        check_switch("fold_sums", self.fold_sums)
        check_choice("layout", self.layout, LAYOUTS)
        if self.k % 2 or self.k >= self.nodes:
            raise OptionError(f"zoo: k is {self.k}: it must be even and below nodes ({self.nodes})")
        if not isinstance(self.p, int | float) or not 0 <= self.p <= 1:
            raise OptionError(f"zoo: p is {self.p!r}: it must be between 0 and 1")

    def network(self) -> NetworkBuilder:
        """Return the network, layer by layer."""
        draw = random.Random(self.seed)
        return self.wired([small_world(self.nodes, self.k, self.p, draw) for _ in range(self.stages)])

    def wired(self, stages: Sequence[Sequence[tuple[int, ...]]]) -> NetworkBuilder:
        """Return the network of a wiring: per stage and node, the nodes of smaller number that it reads."""
        network = NetworkBuilder("randwire", image_shape(self.layout, self.batch, _IMAGE))
        layers = Layers(network, Weights(self.seed), self.fold_batch_norm)
        x = layers.conv(layers.image(self.layout), -(-self.channels // 2), (3, 3), stride=2)
        x = layers.conv(layers.relu(x), self.channels, (3, 3), stride=2)
        for number, reads in enumerate(stages):
            x = self._stage(layers, x, self.channels << number, reads)
        layers.classify(layers.conv(x, _FEATURES), self.classes)
        return network

    def _stage(self, layers: Layers, x: int, channels: int, reads: Sequence[tuple[int, ...]]) -> int:
        """Return the mean of the nodes that no node reads; nodes that read no node read x."""
        made: list[int] = []
        for read in reads:
            entering = self._sum(layers, tuple(made[i] for i in read)) if read else x
            made.append(layers.separable_conv(layers.relu(entering), channels, 3, 1 if read else 2))
        inner = {i for read in reads for i in read}
        ends = tuple(node for i, node in enumerate(made) if i not in inner)
        if len(ends) == 1:
            return ends[0]
        return layers.variadic("Mean", ends) if self.fold_sums else layers.mean(ends)

    def _sum(self, layers: Layers, parts: tuple[int, ...]) -> int:
        if len(parts) == 1:
            return parts[0]
        return layers.variadic("Sum", parts) if self.fold_sums else layers.weighted_sum(parts)
