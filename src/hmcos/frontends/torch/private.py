"""The names of torch that are not part of its public interface, all in this file."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportPrivateUsage=false

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import sympy
import torch
from torch._export.serde import schema as _schema
from torch._export.serde.serialize import GraphModuleDeserializer as _Deserializer
from torch._export.serde.serialize import _dict_to_dataclass as _as_dataclass
from torch._export.serde.serialize import deserialize_scalar_type as _scalar_type
from torch._guards import detect_fake_mode as _detect_fake_mode
from torch._higher_order_ops import effects as _effects
from torch._higher_order_ops.auto_functionalize import auto_functionalized_dense as _functionalized
from torch._higher_order_ops.auto_functionalize import auto_functionalized_v2_dense as _functionalized_v2
from torch._higher_order_ops.map import map_dense as _map_dense
from torch._higher_order_ops.scan import generic_scan as _generic_scan
from torch._ops import HigherOrderOperator, OpOverload
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode, UnsupportedOperatorException
from torch.export import ExportedProgram
from torch.fx import GraphModule
from torch.fx.experimental.symbolic_shapes import ShapeEnv
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._sympy.numbers import int_oo
from torch.utils._sympy.value_ranges import ValueRanges

__all__ = [
    "FakeTensor",
    "FakeTensorMode",
    "HigherOrderOperator",
    "OpOverload",
    "ShapeEnv",
    "StorageWeakRef",
    "TensorMeta",
    "TorchDispatchMode",
    "UnsupportedOperatorException",
    "deserialized",
    "detect_fake_mode",
    "expression",
    "fake_mode",
    "functionalized",
    "functionalized_v2",
    "has_ordered_effect",
    "hinted",
    "is_dispatched",
    "map_dense",
    "scan_dense",
    "storage_address",
    "tensor_meta",
    "weak_address",
    "with_graph",
    "wrapped_operator",
]

detect_fake_mode = cast("Callable[[object], FakeTensorMode | None]", _detect_fake_mode)
functionalized = cast("Callable[..., Any]", _functionalized)
functionalized_v2 = cast("Callable[..., Any]", _functionalized_v2)
"""How eager runs an operator on copies of what it writes: (operator, its arguments by name)."""
scan_dense = cast("Callable[..., Any]", _generic_scan)
"""How eager runs scan: (body, carried, scanned, additional_inputs=...)."""
map_dense = cast("Callable[..., Any]", _map_dense)
"""How eager runs map: (body, mapped, other inputs)."""


def fake_mode() -> FakeTensorMode:
    """Return a mode in which operators compute sizes and no values; real tensors may take part.

    It has a ShapeEnv: without one, `.item()` and loops fail.
    """
    # Fallback kernels are real ones, which would run on as much memory as a file asks for.
    return FakeTensorMode(allow_fallback_kernels=False, allow_non_fake_inputs=True, shape_env=ShapeEnv())


def deserialized(graph_module: Mapping[str, object], ranges: Mapping[str, object]) -> tuple[GraphModule, Any]:
    """Return the graph in the JSON of a program, and its ExportGraphSignature; weights are not read.

    `ranges` are the least and the greatest size of each symbol. The JSON must have been checked: torch
    evaluates parts of it.
    """
    unlimited = cast(Any, int_oo)
    limits = {
        name: ValueRanges(_bound(each, "min_val", -unlimited), _bound(each, "max_val", unlimited))
        for name, each in ranges.items()
    }
    described = cast(Any, _as_dataclass)(_schema.GraphModule, graph_module)
    result = cast(Any, _Deserializer)().deserialize(described, {}, {}, None, limits)
    return result.graph_module, result.signature


@dataclass(frozen=True, slots=True)
class TensorMeta:
    """The type and the layout of a weight, as an archive describes it."""

    dtype: torch.dtype
    size: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int
    """In elements, into the entry of the archive."""

    @property
    def end(self) -> int:
        """The bytes that the entry must have at least."""
        if 0 in self.size:
            return 0
        last = self.offset + sum((n - 1) * step for n, step in zip(self.size, self.stride, strict=True))
        return (last + 1) * self.dtype.itemsize

    def within(self, base: torch.Tensor) -> torch.Tensor:
        """Return a tensor like this in the storage of another, which must be large enough."""
        made = cast(Any, torch.empty(0, dtype=self.dtype, device=base.device))
        return made.set_(base.untyped_storage(), self.offset, self.size, self.stride)


def tensor_meta(described: Mapping[str, object]) -> TensorMeta:
    """Return what the JSON of a weight says of it.

    Raises:
        ValueError: it is damaged.
    """
    meta = cast(Any, _as_dataclass)(_schema.TensorMeta, described)
    size, stride = (tuple(int(n.as_int) for n in numbers) for numbers in (meta.sizes, meta.strides))
    offset = int(meta.storage_offset.as_int)
    if min((offset, *size, *stride)) < 0 or len(size) != len(stride):
        raise ValueError("a size or a stride is negative, or missing")
    return TensorMeta(_scalar_type(meta.dtype), size, stride, offset)


def _bound(limits: object, key: str, unlimited: object) -> Any:
    value = cast("Mapping[str, object]", limits).get(key)
    return unlimited if value is None else sympy.Integer(cast(int, value))


def with_graph(program: ExportedProgram, module: GraphModule) -> ExportedProgram:
    """Return a program with another graph, and everything else as it is."""
    made = cast(Any, program)._update(module, copy.deepcopy(program.graph_signature))
    guards = getattr(program, "_guards_code", None)
    if guards is not None:
        made._guards_code = guards
    return cast(ExportedProgram, made)


def expression(size: object) -> Any:
    """Return the sympy expression of a symbolic size."""
    return cast(Any, size).node.expr


def weak_address(storage: StorageWeakRef) -> int:
    """Return the address of a storage that may have been freed; no other storage has it meanwhile."""
    return int(cast(Any, storage).cdata)


def storage_address(tensor: torch.Tensor) -> int:
    """Return a number that only tensors of one storage have in common, while one of them exists."""
    return int(tensor.untyped_storage()._cdata)


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


def is_dispatched(operator: OpOverload) -> bool:
    """Return whether the dispatcher runs an operator, so that modes see it; TorchScript has others."""
    return bool(torch._C._dispatch_has_kernel(operator.name()))


def has_ordered_effect(operator: object) -> bool:
    """Return whether an operator was registered as one whose calls must keep their order."""
    known = getattr(_effects, "_get_effect", None)  # torch 2.9 has none
    return known is not None and known(operator) is not None


def wrapped_operator(target: object) -> object:
    """Return the operator that a target of ExecuTorch's edge dialect wraps; any other target as it is."""
    inner: object = getattr(target, "_op", None)
    return inner if isinstance(inner, OpOverload) else target
