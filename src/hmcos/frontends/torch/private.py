"""The names of torch that are not part of its public interface, all in this file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch._guards import detect_fake_mode as _detect_fake_mode
from torch._higher_order_ops.map import map_dense as _map_dense
from torch._higher_order_ops.scan import generic_scan as _generic_scan
from torch._ops import HigherOrderOperator, OpOverload
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv, free_unbacked_symbols
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = [
    "FakeTensor",
    "FakeTensorMode",
    "HigherOrderOperator",
    "OpOverload",
    "ShapeEnv",
    "StorageWeakRef",
    "TorchDispatchMode",
    "detect_fake_mode",
    "fake_mode",
    "free_unbacked_symbols",
    "hinted",
    "map_dense",
    "scan_dense",
    "storage_address",
]

detect_fake_mode = cast("Callable[[object], FakeTensorMode | None]", _detect_fake_mode)
scan_dense = cast("Callable[..., Any]", _generic_scan)
"""How eager runs scan: (body, carried, scanned, additional_inputs=...)."""
map_dense = cast("Callable[..., Any]", _map_dense)
"""How eager runs map: (body, mapped, other inputs)."""


def fake_mode() -> FakeTensorMode:
    """Return a mode in which operators compute sizes and no values; real tensors may take part.

    It has a ShapeEnv: without one, `.item()` and loops fail.
    """
    return FakeTensorMode(allow_non_fake_inputs=True, shape_env=ShapeEnv())


def storage_address(tensor: torch.Tensor) -> int:
    """Return a number that only tensors of one storage have in common, while one of them exists."""
    return int(tensor.untyped_storage()._cdata)  # pyright: ignore[reportPrivateUsage]


def hinted(size: int | torch.SymInt) -> int:
    """Return a size as a number: that of the example where it is symbolic.

    Raises:
        ValueError: it depends on data.
    """
    if isinstance(size, int):
        return size
    hint = cast(Any, size).node.hint
    if hint is None:
        raise ValueError(f"{size} depends on data")
    return int(hint)
