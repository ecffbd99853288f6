"""hmcos for PyTorch. Nothing here imports torch before it is used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hmcos.torch.exporting import reordered
    from hmcos.torch.ordering import Ordered, ordered

__all__ = ["Ordered", "ordered", "reordered"]

_PLACES = {
    "Ordered": "hmcos.torch.ordering",
    "ordered": "hmcos.torch.ordering",
    "reordered": "hmcos.torch.exporting",
}
"""Public name to its module, imported on first use."""


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'hmcos.torch' has no attribute {name!r}")
    value = getattr(import_module(_PLACES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
