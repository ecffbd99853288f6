"""What nodes are called, and which of them only look at sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from torch.fx import GraphModule, Node

from hmcos.frontends.torch.private import HigherOrderOperator, OpOverload, wrapped_operator

_METADATA = frozenset(
    {
        "sym_size", "sym_stride", "sym_numel", "sym_storage_offset", "sym_is_contiguous", "size", "stride",
        "numel", "dim", "storage_offset", "is_contiguous", "_assert_tensor_metadata", "sym_constrain_range",
        "sym_constrain_range_for_size", "_assert_scalar",
    }
)  # fmt: skip
"""Operators of aten that read sizes, strides and types, and no data."""

_ARITHMETIC = frozenset({"_operator", "math", "builtins", "torch.utils._sympy.functions"})
"""Modules of functions that compute with numbers."""

_NUMBERS = frozenset({"_local_scalar_dense", "item", "equal", "allclose", "is_nonzero", "tolist"})
"""Operators that read data and give numbers."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a node is called: as targets and tables write it, domain:name."""

    domain: str
    name: str


def kind_of(node: Node, module: GraphModule) -> Kind:
    """Return what a node is called, such as aten:conv2d or module:Linear."""
    target: Any = wrapped_operator(node.target)
    if node.op == "call_module":
        return Kind("module", type(module.get_submodule(target)).__name__)
    if node.op == "call_method":
        return Kind("method", target)
    if isinstance(target, HigherOrderOperator):
        return Kind("higher_order", target.name())
    if isinstance(target, OpOverload):
        domain, _, name = target.name().partition("::")
        return Kind(domain, name)
    domain = str(getattr(target, "__module__", "") or "python").lstrip("_")
    return Kind(domain, str(getattr(target, "__name__", type(target).__name__)))


def looks_at_sizes_only(node: Node, has_tensors: bool) -> bool:
    """Return whether a node that makes no tensors reads no data: sizes, and arithmetic with them."""
    target: Any = node.target
    if isinstance(target, OpOverload):
        return target.namespace == "aten" and _base(cast(Any, target)) in _METADATA
    if node.op == "call_method":
        return target in _METADATA
    if node.op != "call_function" or isinstance(target, HigherOrderOperator):
        return False
    return target is getattr or (not has_tensors and is_arithmetic(target))


def changes_the_state(node: Node) -> bool:
    """Return whether a node that makes no tensors may change how those after it run, such as autocast does.

    These are all functions of Python that are not known to compute numbers.
    """
    target: Any = node.target
    if node.op != "call_function" or isinstance(target, OpOverload | HigherOrderOperator):
        return False
    return target is not getattr and not is_arithmetic(target) and not only_reads(node)


def is_arithmetic(target: Any) -> bool:
    """Return whether a function computes with numbers, or checks them."""
    module, name = str(getattr(target, "__module__", "")), str(getattr(target, "__name__", ""))
    return module in _ARITHMETIC or name.removeprefix("_").startswith(("sym_", "check", "assert"))


def only_reads(node: Node) -> bool:
    """Return whether a node without tensors as results is there for its result, a number of the data."""
    target: Any = node.target
    name = (
        _base(cast(Any, target))
        if isinstance(target, OpOverload)
        else str(getattr(target, "__name__", target))
    )
    return name in _NUMBERS


def _base(target: OpOverload[..., Any]) -> str:
    return target.name().split("::")[1].split(".")[0]
