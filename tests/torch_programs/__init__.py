"""Random programs of PyTorch, and a check that orders change no bits and take the predicted memory."""

from __future__ import annotations

from torch_programs.checking import faults
from torch_programs.seeds import by_export, by_hand, draw

__all__ = ["by_export", "by_hand", "draw", "faults"]
