"""The format of exported programs of PyTorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike

from hmcos.frontends.format import Format, Serializable
from hmcos.frontends.indices import Range
from hmcos.frontends.model import Model
from hmcos.memory.target import Target, load_target

# Each method imports what it needs: torch alone takes seconds.
# ruff: noqa: PLC0415

TARGET = "torch"
"""The target of exported programs if the user names none."""


class Torch(Format):
    """Exported programs of PyTorch. Operator numbers count the nodes that make or write tensors."""

    name = "pt2"

    def load(self, source: str | PathLike[str] | Serializable, bind: Mapping[str, int] | None) -> Model:
        raise NotImplementedError

    def reordered(
        self, model: Model, orders: Mapping[str, Sequence[int]], offsets: Mapping[int, int] | None = None
    ) -> bytes:
        raise NotImplementedError

    def ranges(self, model: Model) -> dict[int, Range]:
        """Return nothing: torch runs exported programs on inputs of its own."""
        del model
        return {}

    def target(self, target: Target, model: Model) -> Target:
        """Return torch instead of the default."""
        del model
        return load_target(TARGET) if target.name == "default" else target


TORCH = Torch()
