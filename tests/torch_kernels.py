"""Small networks whose graphs Inductor compiles quickly: their operators are mostly kernels of ATen."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from random import Random
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional


class Products(nn.Module):
    """Products of matrices, parts of results, and concatenations, wired at random: no code to compile."""

    def __init__(self, seed: int, steps: int = 10) -> None:
        super().__init__()
        self.random = Random(seed)
        self.widths = [8]
        self.weights = nn.ParameterList()
        self.steps: list[tuple[str, int, int]] = []
        for _ in range(steps):
            kind = self.random.choice(["weight", "weight", "product", "largest", "joined", "solved"])
            self.add(kind if len(self.widths) > 2 else "weight")
        read = {
            given
            for kind, one, other in self.steps
            for given in ([one] if kind != "product" else [one, other])
        }
        self.unread = [number for number in range(len(self.widths)) if number not in read]

    def add(self, kind: str) -> None:
        one, other = (self.random.randrange(max(0, len(self.widths) - 5), len(self.widths)) for _ in range(2))
        width = self.widths[one]
        if kind == "weight":
            other, wide = len(self.weights), self.random.choice([4, 24, 96, 256])
            self.weights.append(nn.Parameter(torch.randn(width, wide) / width**0.5))
            width = wide
        elif kind == "product":
            width = self.widths[other]
        elif kind == "largest":
            width = min(4, width)
        elif kind == "solved":
            width = min(32, width)
        elif kind == "joined":
            other = len(self.weights)
            self.weights.append(nn.Parameter(torch.randn(width, 16) / width**0.5))
            self.weights.append(nn.Parameter(torch.randn(width, 32) / width**0.5))
            width = 48
        self.steps.append((kind, one, other))
        self.widths.append(width)

    def forward(self, x: Tensor) -> list[Tensor]:
        values: list[Tensor] = [x]
        for kind, one, other in self.steps:
            given = values[one]
            made: Tensor
            if kind == "weight":
                made = given @ self.weights[other]
            elif kind == "product":
                made = given @ (given.t() @ values[other])
            elif kind == "largest":
                made = torch.topk(given, min(4, given.shape[1]), dim=1)[0]
            elif kind == "solved":
                made = cast(Tensor, torch.linalg.qr(given)[0])
            else:
                made = torch.cat([given @ self.weights[other], given @ self.weights[other + 1]], 1)
            values.append(made)
        return [values[number].t() @ values[number] for number in self.unread]


class Branches(nn.Module):
    """Two linear layers in each of three branches: forward and backward consist of products."""

    def __init__(self) -> None:
        super().__init__()
        shapes = [(8, 16, 96), (8, 64, 48), (8, 128, 4)]
        self.first = nn.ParameterList(nn.Parameter(torch.randn(a, b)) for a, b, _ in shapes)
        self.second = nn.ParameterList(nn.Parameter(torch.randn(b, c)) for _, b, c in shapes)

    def forward(self, x: Tensor) -> list[Tensor]:
        return [x @ first @ second for first, second in zip(self.first, self.second, strict=True)]


class Attention(nn.Module):
    """One layer of a decoder: words, attention, and dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.norm = nn.Embedding(11, 16), nn.LayerNorm(16)
        self.queries, self.joined = nn.Linear(16, 48), nn.Linear(16, 16)
        self.dropout = nn.Dropout(0.25)

    def forward(self, words: Tensor) -> Tensor:
        x = self.words(words)
        query, key, value = self.queries(self.norm(x)).view(2, 6, 3, 2, 8).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return x + self.dropout(self.joined(seen.transpose(1, 2).reshape(2, 6, 16)))


class Residual(nn.Module):
    """Two convolutions, a batch norm that changes its buffers, and a shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.second, self.shortcut = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(3, 8, 1)

    def forward(self, image: Tensor) -> Tensor:
        return self.second(self.norm(self.first(image)).relu()) + self.shortcut(image)


class Cell(nn.Module):
    """A cell of architecture search: branches of one input, joined."""

    def __init__(self) -> None:
        super().__init__()
        self.wide = nn.ModuleList(nn.Conv2d(4, 24, 3, padding=1) for _ in range(3))
        self.narrow = nn.ModuleList(nn.Conv2d(24, 2, 1) for _ in range(3))

    def forward(self, image: Tensor) -> Tensor:
        branches = [narrow(wide(image)) for wide, narrow in zip(self.wide, self.narrow, strict=True)]
        return torch.cat([branches[0], branches[1] + branches[2]], 1)


class Skips(nn.Module):
    """A small U-Net."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.deep = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 16, 3, 2, 1)
        self.up, self.last = nn.ConvTranspose2d(16, 8, 2, 2), nn.Conv2d(16, 2, 1)

    def forward(self, image: Tensor) -> Tensor:
        high = self.down(image)
        return self.last(torch.cat([high, self.up(self.deep(high).relu())], 1))


class Experts(nn.Module):
    """Dense layers side by side, of which some are sums of products only."""

    def __init__(self) -> None:
        super().__init__()
        self.wide = nn.ModuleList(nn.Linear(12, 96) for _ in range(4))
        self.narrow = nn.ModuleList(nn.Linear(96, 6, bias=False) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        made = [narrow(wide(x).tanh()) for wide, narrow in zip(self.wide, self.narrow, strict=True)]
        return made[0] * made[1] + made[2] * made[3]


MODELS: dict[str, tuple[type[nn.Module], tuple[int, ...]]] = {
    "attention": (Attention, ()),
    "residual": (Residual, (2, 3, 8, 8)),
    "cell": (Cell, (2, 4, 8, 8)),
    "skips": (Skips, (2, 3, 8, 8)),
    "experts": (Experts, (5, 12)),
}
"""By name: a network and the shape of its input; words where there is none."""
