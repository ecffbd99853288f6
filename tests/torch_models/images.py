"""Networks of images that become smaller: their memory lies in branches that meet again."""

from __future__ import annotations

from random import Random

import torch
from torch import Tensor, nn
from torch.nn import functional

from torch_models.example import Calls, Example, seeded


def conv(inputs: int, outputs: int, side: int = 3, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Return a convolution that keeps the size of its image at stride 1, its normalization and a ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, side, stride, side // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def head(channels: int, classes: int = 10) -> nn.Sequential:
    """Return what follows the last image: its average, and a linear layer."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(channels, classes))


class Residual(Calls):
    """A block whose input is added to its output, after a convolution if their shapes differ."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = conv(inputs, outputs, stride=stride)
        self.second = nn.Sequential(nn.Conv2d(outputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs))
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(self.first(x))
        y += self.shortcut(x)
        return self.relu(y)


@seeded
def residual() -> Example:
    """Return a network of residual blocks, with in-place ReLUs."""
    blocks = (Residual(8, 8, 1), Residual(8, 16, 2), Residual(16, 16, 1), Residual(16, 32, 2))
    stem = nn.Sequential(conv(3, 8, 7, 2), nn.MaxPool2d(3, 2, 1))
    return Example(nn.Sequential(stem, *blocks, head(32)), (torch.randn(1, 3, 64, 64),))


class Dense(Calls):
    """A block of layers of which each reads what all before it made."""

    def __init__(self, inputs: int, layers: int, grows: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(conv(inputs + k * grows, grows) for k in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        made = [x]
        for layer in self.layers:
            made.append(layer(torch.cat(made, 1)))
        return torch.cat(made, 1)


@seeded
def dense() -> Example:
    """Return a network of dense blocks."""
    between = nn.Sequential(conv(40, 16, 1), nn.AvgPool2d(2))
    module = nn.Sequential(conv(3, 16), Dense(16, 3, 8), between, Dense(16, 4, 8), head(48))
    return Example(module, (torch.randn(2, 3, 24, 24),))


class Cell(Calls):
    """A cell found by architecture search: pairs of operators on earlier states, joined at the end."""

    def __init__(self, before: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.before, self.inputs = conv(before, outputs, 1), conv(inputs, outputs, 1)
        self.wide = nn.ModuleList(
            nn.Sequential(conv(outputs, outputs, side, groups=outputs), conv(outputs, outputs, 1))
            for side in (5, 3, 7, 3, 3)
        )
        self.average, self.largest = nn.AvgPool2d(3, 1, 1), nn.MaxPool2d(3, 1, 1)

    def forward(self, old: Tensor, new: Tensor) -> Tensor:
        a, b = self.before(old), self.inputs(new)
        c = self.wide[0](a) + self.wide[1](b)
        d = self.wide[2](a) + self.wide[3](a)
        e = self.average(b) + a
        f = self.largest(c) + self.wide[4](d)
        return torch.cat([b, c, d, e, f], 1)


class Cells(Calls):
    """Cells of which each reads the two before it."""

    def __init__(self, cells: int, width: int) -> None:
        super().__init__()
        self.stem = conv(3, width)
        made = [width, width]
        self.cells = nn.ModuleList()
        for _ in range(cells):
            self.cells.append(Cell(made[-2], made[-1], width))
            made.append(5 * width)
        self.head = head(made[-1])

    def forward(self, x: Tensor) -> Tensor:
        old = new = self.stem(x)
        for cell in self.cells:
            old, new = new, cell(old, new)
        return self.head(new)


@seeded
def nas_cells() -> Example:
    """Return a network of cells as architecture search finds them."""
    return Example(Cells(3, 8), (torch.randn(1, 3, 24, 24),))


class Tree(Calls):
    """Deep layer aggregation: two subtrees, and a node that joins what lies below it."""

    def __init__(self, depth: int, inputs: int, outputs: int, joined: int = 0) -> None:
        super().__init__()
        self.depth = depth
        if depth == 1:
            self.left, self.right = conv(inputs, outputs), conv(outputs, outputs)
            self.root = conv(2 * outputs + joined, outputs, 1)
        else:
            self.left = Tree(depth - 1, inputs, outputs)
            self.right = Tree(depth - 1, outputs, outputs, joined + outputs)

    def forward(self, x: Tensor, *below: Tensor) -> Tensor:
        left = self.left(x)
        if self.depth > 1:
            return self.right(left, *below, left)
        return self.root(torch.cat([left, self.right(left), *below], 1))


@seeded
def dla() -> Example:
    """Return a network with deep layer aggregation."""
    module = nn.Sequential(conv(3, 8), Tree(2, 8, 12), nn.MaxPool2d(2), Tree(3, 12, 16), head(16))
    return Example(module, (torch.randn(1, 3, 32, 32),))


class Wired(Calls):
    """A stage of separable convolutions that are wired at random; node k reads nodes before it."""

    def __init__(self, nodes: int, width: int, seed: int) -> None:
        super().__init__()
        draw = Random(seed)
        self.reads = [sorted(draw.sample(range(k), min(k, draw.randint(1, 3)))) for k in range(1, nodes)]
        self.nodes = nn.ModuleList(conv(width, width, 3, groups=width) for _ in self.reads)

    def forward(self, x: Tensor) -> Tensor:
        made = [x]
        for read, node in zip(self.reads, self.nodes, strict=True):
            made.append(node(functional.relu(torch.stack([made[k] for k in read]).sum(0))))
        ends = set(range(len(made))) - {k for read in self.reads for k in read}
        return torch.stack([made[k] for k in sorted(ends)]).mean(0)


@seeded
def random_wired() -> Example:
    """Return a network of stages that are wired at random."""
    stages = (Wired(10, 12, 3), conv(12, 20, 3, 2), Wired(12, 20, 5))
    return Example(nn.Sequential(conv(3, 12), *stages, head(20)), (torch.randn(1, 3, 28, 28),))
