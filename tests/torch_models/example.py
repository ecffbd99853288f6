"""A module and what it is run on."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Example:
    """A module and the inputs to run it on."""

    module: nn.Module
    inputs: tuple[Any, ...]


def seeded(make: Callable[[], Example]) -> Callable[[], Example]:
    """Return a function that makes an example in evaluation mode, always with the same numbers."""

    def example() -> Example:
        with torch.random.fork_rng():
            torch.random.manual_seed(1)
            made = make()
        made.module.eval()
        return made

    example.__name__, example.__doc__ = make.__name__, make.__doc__
    return example


class Calls(nn.Module):
    """A module whose subclass says what it computes in `forward`; calls return tensors."""

    def __call__(self, *inputs: Tensor) -> Tensor:
        return super().__call__(*inputs)
