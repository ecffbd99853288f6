"""Small networks whose graphs Inductor compiles quickly: their operators are mostly kernels of ATen."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Callable
from random import Random

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
        values = [x]
        for kind, one, other in self.steps:
            given = values[one]
            if kind == "weight":
                made = given @ self.weights[other]
            elif kind == "product":
                made = given @ (given.t() @ values[other])
            elif kind == "largest":
                made = torch.topk(given, min(4, given.shape[1]), dim=1)[0]
            elif kind == "solved":
                made = torch.linalg.qr(given)[0]
            else:
                made = torch.cat([given @ self.weights[other], given @ self.weights[other + 1]], 1)
            values.append(made)
        return [values[number].t() @ values[number] for number in self.unread]
