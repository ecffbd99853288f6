"""Compare the values of two runs bit by bit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from hmcos.runtimes.torch.running import Ran


def difference(one: Ran, other: Ran) -> str | None:
    """Return which value differs first between two runs, such as `output 2`; None if all bits are equal.

    Outputs are compared, and what the runs left in inputs, buffers and parameters.
    """
    for what, ones, others in (
        ("output", one.outputs, other.outputs),
        ("the value left in input", one.values, other.values),
    ):
        if len(ones) != len(others):
            return f"the number of {what}s"
        for at in _differing(ones, others):
            return f"{what} {at}"
    return None


def _differing(ones: Sequence[Any], others: Sequence[Any]) -> list[int]:
    return [at for at, pair in enumerate(zip(ones, others, strict=True)) if not same_bits(*pair)]


def same_bits(one: Any, other: Any) -> bool:
    """Return whether two values are equal, tensors in type, shape and every bit: NaN equals the same NaN."""
    if not isinstance(one, torch.Tensor) or not isinstance(other, torch.Tensor):
        return type(one) is type(other) and (one == other or repr(one) == repr(other))
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    return torch.equal(_bytes(one), _bytes(other))


def _bytes(tensor: torch.Tensor) -> torch.Tensor:
    plain = tensor.detach().resolve_conj().resolve_neg()
    # Of a tensor of one element, the stride stays what it is unless it is cloned.
    return plain.cpu().reshape(-1).clone(memory_format=torch.contiguous_format).view(torch.uint8)
