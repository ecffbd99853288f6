"""Small networks in PyTorch, one of each family that differs in how its memory behaves; only torch is needed.

Each is a function that returns a module in evaluation mode and the inputs to run it on, always the same.
"""

from __future__ import annotations

from collections.abc import Callable

from torch_models.control import control_flow
from torch_models.decoders import conv_transpose_decoder, gan, unet
from torch_models.example import Example
from torch_models.images import dense, dla, nas_cells, random_wired, residual
from torch_models.recurrent import lstm
from torch_models.transformers import cached_decoder, experts, t5, transformer

FAMILIES: dict[str, Callable[[], Example]] = {
    "residual": residual,
    "dense": dense,
    "nas-cells": nas_cells,
    "unet": unet,
    "gan": gan,
    "transformer": transformer,
    "cached-decoder": cached_decoder,
    "t5": t5,
    "lstm": lstm,
    "conv-transpose": conv_transpose_decoder,
    "experts": experts,
    "dla": dla,
    "random-wired": random_wired,
    "control-flow": control_flow,
}

__all__ = ["FAMILIES", "Example"]
