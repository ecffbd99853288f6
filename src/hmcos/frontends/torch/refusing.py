"""Errors about a node of a graph: they name it and the module that it came from."""

from __future__ import annotations

from typing import Any

from torch.fx import Node

from hmcos.errors import ModelError


def module_path(node: Node) -> str:
    """Return the path of the module that a node was traced from, such as `layers.0`; empty if unknown."""
    stack: dict[str, tuple[str, object]] | None = node.meta.get("nn_module_stack")
    if not stack:
        return ""
    path = list(stack.values())[-1][0]
    return path.removeprefix("L['self'].").removeprefix("L['self']")


def node_title(node: Node) -> str:
    """Return a node as messages name it, such as `node 'add_3' (aten.add.Tensor) in module layers.0`."""
    path = module_path(node)
    return f"node {node.name!r} ({_target(node)}){f' in module {path}' if path else ''}"


def _target(node: Node) -> str:
    """Return what a node calls: an operator with its namespace, a function by its name."""
    target: Any = node.target
    if isinstance(target, str) or hasattr(target, "_schema"):
        return str(target)
    return str(getattr(target, "__name__", target))


def refusal(node: Node, why: str) -> ModelError:
    """Return the error that a graph cannot be scheduled because of a node; `why` ends with the way out."""
    return ModelError(f"{node_title(node)}: {why}")
