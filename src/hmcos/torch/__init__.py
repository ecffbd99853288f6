"""hmcos for PyTorch. Nothing here imports torch before it is used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hmcos.errors import ToolError

if TYPE_CHECKING:
    from hmcos.torch.compiling import backend
    from hmcos.torch.exporting import reordered
    from hmcos.torch.inductor_orders import InductorOrders, inductor
    from hmcos.torch.kernel_orders import InductorGraph
    from hmcos.torch.ordering import Ordered, ordered
    from hmcos.torch.profiling import MemoryProfile, profile
    from hmcos.torch.training import TrainingStep, training_step

__all__ = [
    "InductorGraph",
    "InductorOrders",
    "MemoryProfile",
    "Ordered",
    "TrainingStep",
    "backend",
    "inductor",
    "ordered",
    "profile",
    "reordered",
    "training_step",
]

_PLACES = {
    "InductorGraph": "hmcos.torch.kernel_orders",
    "InductorOrders": "hmcos.torch.inductor_orders",
    "MemoryProfile": "hmcos.torch.profiling",
    "Ordered": "hmcos.torch.ordering",
    "TrainingStep": "hmcos.torch.training",
    "backend": "hmcos.torch.compiling",
    "inductor": "hmcos.torch.inductor_orders",
    "ordered": "hmcos.torch.ordering",
    "profile": "hmcos.torch.profiling",
    "reordered": "hmcos.torch.exporting",
    "training_step": "hmcos.torch.training",
}
"""Public name to its module, imported on first use."""


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'hmcos.torch' has no attribute {name!r}")
    try:
        place = import_module(_PLACES[name])
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "torch":
            raise
        raise ToolError(f"hmcos.torch.{name} needs PyTorch: pip install 'hmcos[torch]'") from error
    value = getattr(place, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
