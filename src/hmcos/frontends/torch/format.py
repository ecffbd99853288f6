"""The format of exported programs of PyTorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from hmcos.errors import ToolError
from hmcos.frontends.format import Format, Loadable
from hmcos.frontends.indices import Range
from hmcos.frontends.model import Model
from hmcos.frontends.outline import Outline
from hmcos.memory.target import Target, load_target

# Each method imports what it needs: torch alone takes seconds.
# ruff: noqa: PLC0415

TARGET = "torch"
"""The target of exported programs if the user names none."""


class Torch(Format):
    """Exported programs of PyTorch. Operator numbers count the nodes that make or write tensors."""

    name = "pt2"

    def load(self, source: Loadable, bind: Mapping[str, int] | None) -> Model:
        """Return the model in a file, or an ExportedProgram in memory as one; see `Format.load`."""
        _check_installed(source)
        from hmcos.frontends.torch.exported import load

        return load(source, bind)

    def reordered(
        self, model: Model, orders: Mapping[str, Sequence[int]], offsets: Mapping[int, int] | None = None
    ) -> bytes:
        """Return the source with its nodes permuted; torch holds no offsets. See `Format.reordered`."""
        from hmcos.frontends.torch.exported import serialised

        del offsets
        return serialised(model, orders)

    def orders_in(self, model: Model, written: Path) -> Mapping[str, tuple[int, ...]]:
        """Return the orders of a written file; see `Format.orders_in`."""
        from hmcos.frontends.torch.exported import orders_in

        return orders_in(model, written)

    def outline(self, source: Loadable, bind: Mapping[str, int]) -> Outline:
        """Return what is known while sizes are unknown; see `Format.outline`."""
        from hmcos.frontends.torch.exported import outline

        return outline(source, bind)

    def ranges(self, model: Model) -> dict[int, Range]:
        """Return nothing: torch runs exported programs on inputs of its own."""
        del model
        return {}

    def target(self, target: Target, model: Model) -> Target:
        """Return torch instead of the default."""
        del model
        return load_target(TARGET) if target.name == "default" else target


def _check_installed(source: object) -> None:
    """Check that torch can be imported.

    Raises:
        ToolError: it cannot.
    """
    try:
        import_module("torch")
    except ImportError as error:
        raise ToolError(f"{source}: needs PyTorch: pip install 'hmcos[torch]'") from error


TORCH = Torch()
