"""Which target describes the memory of a device of PyTorch."""

from __future__ import annotations

from collections.abc import Iterable

import torch


def target_of(values: Iterable[object]) -> str:
    """Return the target whose rules of memory hold where the tensors among these values are."""
    devices = {value.device.type for value in values if isinstance(value, torch.Tensor)}
    return "torch-cuda" if "cuda" in devices else "torch"
