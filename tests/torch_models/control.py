"""A network with every operator that runs graphs within it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch._higher_order_ops import scan, while_loop  # pyright: ignore
from torch._higher_order_ops.map import map as mapped  # pyright: ignore

from torch_models.example import Example, seeded


class Controlled(nn.Module):
    """A branch, a loop, a scan and a map, with temporaries in each."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.last = nn.Linear(width, 3)

    def forward(self, x: Tensor, gate: Tensor) -> Any:
        def wide(x: Tensor) -> Tensor:
            return self.second(x).relu().reshape(x.shape[0], 2, -1).sum(1)

        def narrow(x: Tensor) -> Tensor:
            return self.first(x).tanh()

        y: Any = torch.cond(gate.sum() > 0, wide, narrow, (x,))  # pyright: ignore
        zero = torch.zeros((), dtype=torch.int64, device=x.device)
        looped: list[Any] = list(
            while_loop(
                lambda k, y: k < 4,  # pyright: ignore
                lambda k, y: (k + 1, (self.first(y).sin() + y) * 0.5),  # pyright: ignore
                (zero, y),
            )
        )
        y = self.first(looped[1])
        total, sums = scan(
            lambda c, row: (c + row, torch.exp(-c) * row), torch.zeros(x.shape[1], device=x.device), y
        )  # pyright: ignore
        rows: Any = mapped(lambda row, c: (row - c).cos() * row, sums, total)  # pyright: ignore
        return {"rows": self.last(rows), "total": total}


@seeded
def control_flow() -> Example:
    """Return a network with cond, while_loop, scan and map."""
    return Example(Controlled(12), (torch.randn(6, 12), torch.ones(3)))
