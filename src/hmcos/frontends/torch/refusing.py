"""Errors about a node of a graph: they name it and the module that it came from."""

from __future__ import annotations

from typing import Any, cast

from torch.fx import Node

from hmcos.errors import ModelError


def module_path(node: Node) -> str:
    """Return the path of the module that a node was traced from, such as `layers.0.attention`; may be empty."""
    stack = cast(
        "dict[str, tuple[str, object]] | None", cast("dict[str, Any]", node.meta).get("nn_module_stack")
    )
    if not stack:
        return ""
    path = list(stack.values())[-1][0]
    return path.removeprefix("L['self'].").removeprefix("L['self']")


def node_title(node: Node) -> str:
    """Return a node as messages name it, such as `node 'add_3' (aten.add.Tensor) in module layers.0`."""
    path = module_path(node)
    return f"node {node.name!r} ({_target(node)}){f' in module {path}' if path else ''}"


def _target(node: Node) -> str:
    target = node.target
    return (
        target
        if isinstance(target, str)
        else str(
            getattr(target, "__name__", target)
            if callable(target) and not hasattr(target, "_schema")
            else target
        )
    )


def refusal(node: Node, why: str) -> ModelError:
    """Return the error that a graph cannot be scheduled because of a node; `why` ends with the way out."""
    return ModelError(f"{node_title(node)}: {why}")
