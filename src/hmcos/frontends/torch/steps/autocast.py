"""Mixed precision: the autocast that is on when a step is called holds for its model and its loss."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from hmcos.errors import OptionError


@dataclass(frozen=True)
class Autocast:
    """Whether autocast is on for a kind of device, and its type."""

    device: str
    dtype: torch.dtype | None
    """None if it is off."""

    def inside(self) -> AbstractContextManager[Any]:
        """Return the context in which a model computes its output and its loss."""
        return nullcontext() if self.dtype is None else torch.autocast(self.device, self.dtype)

    def outside(self) -> AbstractContextManager[Any]:
        """Return the context of everything else: its operators are chosen already."""
        return nullcontext() if self.dtype is None else torch.autocast(self.device, enabled=False)


def current_autocast(device: str) -> Autocast:
    """Return the autocast that is on now for a kind of device, such as "cpu".

    Raises:
        OptionError: its type is float16.
    """
    if not torch.is_autocast_enabled(device):
        return Autocast(device, None)
    dtype = torch.get_autocast_dtype(device)
    check_no_float16(device)
    return Autocast(device, dtype)


def check_no_float16(device: str) -> None:
    """Raise an OptionError if autocast to float16 is on now."""
    if torch.is_autocast_enabled(device) and torch.get_autocast_dtype(device) is torch.float16:
        raise OptionError(
            "autocast to float16 needs a GradScaler, which skips steps after looking at the gradients, and"
            " one graph cannot do that: use torch.autocast with dtype=torch.bfloat16"
        )
