"""hmcos for PyTorch: whole training steps, and a backend of torch.compile, in their least-memory orders."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hmcos.torch.training import TrainingStep, training_step

__all__ = ["TrainingStep", "training_step"]

_PLACES = {
    "TrainingStep": "hmcos.torch.training:TrainingStep",
    "training_step": "hmcos.torch.training:training_step",
}
"""Public name to "module:name", imported on first use (PEP 562): without torch, only these fail."""


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'hmcos.torch' has no attribute {name!r}")
    module, attribute = _PLACES[name].split(":")
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
