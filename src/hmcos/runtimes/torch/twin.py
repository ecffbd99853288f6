"""A copy of a graph that tells which node runs, and takes over its inputs."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import fx
from torch.fx.graph import CodeGen
from torch.utils import _pytree as pytree

Begin = Callable[[str], None]
"""Called with the name of a node when it begins to run."""


class _TakingList(CodeGen):
    """Code that takes one list of inputs and empties it.

    A caller that passes inputs one by one holds each of them until the call ends. Like this, an input dies
    after its last reader, if the caller gave up its own references.
    """

    def gen_fn_def(self, free_vars: list[str], maybe_return_annotation: str, **layout: Any) -> str:
        """Return the first lines of the function; `free_vars` are the names of the inputs, with types."""
        del layout
        names = [re.match(r"\w+", written) for written in free_vars if written != "self"]
        unpacked = "".join(f"{name[0]}, " for name in names if name)
        unpacked = f"\n    {unpacked}= inputs_" if unpacked else ""
        return f"def forward(self, inputs_){maybe_return_annotation}:{unpacked}\n    inputs_.clear()"


def twin(module: fx.GraphModule, begin: Begin, memo: dict[int, Any]) -> fx.GraphModule:
    """Return a copy of a module that takes one list of inputs, and calls `begin` before every node.

    It has its own copy of every tensor, so a run changes nothing of the module. Values die where those of
    the module's own code die. `memo` is that of `copied`.
    """
    nodes = list(module.graph.nodes)
    held = {str(n.target): n.op for n in nodes if n.op in ("get_attr", "call_module")}
    attributes = {name: copied(_attribute(module, name), memo) for name in sorted(held)}
    graph = fx.Graph()
    same: dict[fx.Node, fx.Node] = {}
    result: Any = graph.graph_copy(module.graph, same)
    graph.output(result)
    for given, node in same.items():
        if node.op in ("call_function", "call_method", "call_module"):
            _tell(node, given.name, begin, attributes)
    graph.set_codegen(_TakingList())
    own = fx.GraphModule({name: attributes[name] for name, op in held.items() if op == "get_attr"}, graph)
    for name, op in held.items():
        if op == "call_module":
            own.add_submodule(name, attributes[name])
    return own


def _attribute(module: torch.nn.Module, path: str) -> Any:
    found: Any = module
    for part in path.split("."):
        found = getattr(found, part)
    return found


def _tell(node: fx.Node, name: str, begin: Begin, attributes: dict[str, Any]) -> None:
    """Let a node call `begin` with a name, and then what it called before."""
    target: Any = node.target
    called: Any = target
    if node.op == "call_method":
        called = _calling(target)
    elif node.op == "call_module":
        called = attributes[target]

    def told(*args: Any, **named: Any) -> Any:
        begin(name)
        return called(*args, **named)

    # The generated code calls functions by name.
    told.__name__ = told.__qualname__ = "told_" + re.sub(r"\W", "_", name)
    node.op, node.target = "call_function", told


def _calling(method: str) -> Callable[..., Any]:
    """Return a function that calls a method of its first argument."""

    def call(own: Any, *args: Any, **named: Any) -> Any:
        return getattr(own, method)(*args, **named)

    return call


def copied(value: Any, memo: dict[int, Any]) -> Any:
    """Return a copy of a value; tensors that share a storage share its copy, within one `memo`."""
    if isinstance(value, torch.nn.Module):
        return copy.deepcopy(value, memo)
    return pytree.tree_map_only(torch.Tensor, lambda tensor: copy.deepcopy(tensor.detach(), memo), value)


def constants(module: torch.nn.Module) -> Iterator[torch.Tensor]:
    """Yield the parameters, buffers and other tensors that a module and those within it hold."""
    for part in module.modules():
        held = vars(part)
        for value in (*held["_parameters"].values(), *held["_buffers"].values(), *held.values()):
            if isinstance(value, torch.Tensor):
                yield value
