"""A copy of a graph that tells which node runs, and takes over its inputs."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import torch
from torch import fx
from torch._ops import HigherOrderOperator
from torch.fx.graph import CodeGen
from torch.utils import _pytree as pytree


class Listener(Protocol):
    """What is told about the nodes of a graph and of the bodies within it."""

    def begin(self, node: str, *, has_bodies: bool) -> None:
        """Take note that a node begins to run."""
        ...

    def end(self, results: Any) -> None:
        """Take note of what the node that began last, of those that run still, returns."""
        ...


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


def twin(module: fx.GraphModule, listener: Listener, memo: dict[int, Any]) -> fx.GraphModule:
    """Return a copy of a module that takes one list of inputs, and tells of every node.

    It has its own copy of every tensor, so a run changes nothing of the module. Values die where those of
    the module's own code die. `memo` is that of `copied`.
    """
    held = {str(n.target): n.op for n in module.graph.nodes if n.op in ("get_attr", "call_module")}
    attributes = {name: copied(_attribute(module, name), memo) for name in sorted(held)}
    graph = fx.Graph()
    same: dict[fx.Node, fx.Node] = {}
    result: Any = graph.graph_copy(module.graph, same)
    graph.output(result)
    for given, node in same.items():
        if node.op == "placeholder":
            # Otherwise the code has a second name for the input, which holds it to the end.
            node.target = node.name
        _tell(node, given.name, listener, attributes.get)
    graph.set_codegen(_TakingList())
    own = fx.GraphModule({name: attributes[name] for name, op in held.items() if op == "get_attr"}, graph)
    for name, op in held.items():
        if op == "call_module":
            own.add_submodule(name, attributes[name])
    _tell_in_bodies(own, listener)
    return own


def _tell_in_bodies(module: fx.GraphModule, listener: Listener) -> None:
    """Let the nodes of all bodies within a module tell of themselves, too."""
    bodies = [part for part in module.modules() if isinstance(part, fx.GraphModule) and part is not module]
    for body in bodies:
        for node in list(body.graph.nodes):
            _tell(node, node.name, listener, lambda name, body=body: _attribute(body, name))
        body.recompile()


def _attribute(module: torch.nn.Module, path: str) -> Any:
    found: Any = module
    for part in path.split("."):
        found = getattr(found, part)
    return found


def _tell(node: fx.Node, name: str, listener: Listener, attribute: Callable[[str], Any]) -> None:
    """Let a node tell its name, call what it called before, and tell what that returns."""
    target: Any = node.target
    called: Any = target
    if node.op == "call_method":
        called = _calling(target)
    elif node.op == "call_module":
        called = attribute(target)
    elif node.op != "call_function":
        return
    has_bodies = isinstance(target, HigherOrderOperator)

    def told(*args: Any, **named: Any) -> Any:
        listener.begin(name, has_bodies=has_bodies)
        results = called(*args, **named)
        listener.end(results)
        return results

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
