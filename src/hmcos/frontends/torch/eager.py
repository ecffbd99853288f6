"""Results whose storages are larger in eager than those of fake tensors, which hold what a result needs."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch

_CLONING = (
    "aten::slice_scatter",
    "aten::select_scatter",
    "aten::diagonal_scatter",
    "aten::as_strided_scatter",
    "aten::copy",
)
"""Operators that clone the whole storage of their first argument (`clone_preserve_strides` in ATen)."""
_REDUCING = ("aten::mse_loss", "aten::smooth_l1_loss", "aten::soft_margin_loss", "aten::binary_cross_entropy")
"""Operators that reduce in the storage of what they reduce, which is that of their first two arguments."""


def as_eager(operator: Any, arguments: Sequence[Any], result: Any) -> Any:
    """Return the result of an operator on fake tensors in a storage as large as eager's."""
    name = operator.name()
    if name in _CLONING:
        return _in_whole(result, arguments[0])
    if name in _REDUCING and result.numel() < (whole := _broadcast(arguments, result.dtype)).numel():
        return torch.as_strided(whole, result.shape, result.stride())
    return result


def _in_whole(result: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
    """Return a result in a clone of a tensor's storage, which eager makes unless elements overlap."""
    room = source.untyped_storage().nbytes() // source.element_size()
    overlaps = any(step == 0 and size > 1 for size, step in zip(source.shape, source.stride(), strict=True))
    if room == 0 or overlaps:
        return result
    whole = torch.empty(room, dtype=result.dtype, device=result.device)
    return torch.as_strided(whole, source.shape, source.stride(), source.storage_offset())


def _broadcast(arguments: Sequence[torch.Tensor], dtype: torch.dtype) -> torch.Tensor:
    """Return a tensor of the shape of the first two arguments together."""
    one, other = arguments[:2]
    shape = cast("torch.Size", torch.broadcast_shapes(one.shape, other.shape))
    return torch.empty(shape, dtype=dtype, device=one.device)
