"""A program as a list of calls, and how it becomes a graph, or a module that can be exported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch._higher_order_ops import scan, while_loop  # pyright: ignore
from torch._higher_order_ops.map import map as map_  # pyright: ignore
from torch.utils import _pytree as pytree


@dataclass(frozen=True)
class Ref:
    """The value of an input, of a constant, or of a call."""

    number: int
    """Inputs come first, then constants, then calls."""


@dataclass(frozen=True)
class Calling:
    """A body among the arguments of a call."""

    program: Program


@dataclass(frozen=True)
class Call:
    """A call of a function."""

    target: Any
    args: tuple[Any, ...]
    """Nested values, references and bodies."""
    named: dict[str, Any]


@dataclass(frozen=True)
class Program:
    """Calls on inputs and constants."""

    inputs: tuple[Tensor, ...]
    constants: tuple[Tensor, ...]
    calls: tuple[Call, ...]
    outputs: Any
    """A reference, or several and None in a tuple."""

    def graph(self) -> fx.GraphModule:
        """Return the program as a graph, with its constants as attributes."""
        graph = fx.Graph()
        root = nn.Module()
        nodes: list[fx.Node] = [graph.placeholder(f"in{k}") for k in range(len(self.inputs))]
        for k, constant in enumerate(self.constants):
            root.register_buffer(f"constant{k}", constant.clone())
            nodes.append(graph.get_attr(f"constant{k}"))

        def part(value: Any) -> Any:
            if isinstance(value, Calling):
                name = f"body{len(list(root.children()))}"
                root.add_module(name, value.program.graph())
                return graph.get_attr(name)
            return nodes[value.number] if isinstance(value, Ref) else value

        for call in self.calls:
            args, named = mapped(part, (call.args, call.named))
            nodes.append(graph.call_function(call.target, args, named))
        graph.output(mapped(part, self.outputs))
        return fx.GraphModule(root, graph)

    def module(self) -> nn.Module:
        """Return the program as a module that makes its calls one by one."""
        return Calls(self)


class Calls(nn.Module):
    """A module that makes the calls of a program."""

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.program = program
        for k, constant in enumerate(program.constants):
            self.register_buffer(f"constant{k}", constant.clone())

    def forward(self, *inputs: Tensor) -> Any:
        constants = [self.get_buffer(f"constant{k}") for k in range(len(self.program.constants))]
        return ran(self.program, [*inputs, *constants])


def ran(program: Program, values: list[Any]) -> Any:
    """Return the outputs of a program on the values of its inputs and constants."""

    def part(value: Any) -> Any:
        if isinstance(value, Calling):
            return body(value.program)
        return values[value.number] if isinstance(value, Ref) else value

    for call in program.calls:
        args, named = mapped(part, (call.args, call.named))
        values.append(called(call.target, args, named))
    return mapped(part, program.outputs)


def called(target: Any, args: Sequence[Any], named: dict[str, Any]) -> Any:
    """Return the result of a call; an operator that runs bodies is called as users call it."""
    if target is torch.ops.higher_order.cond:
        return torch.cond(*args)  # pyright: ignore
    if target is torch.ops.higher_order.while_loop:
        return while_loop(*args[:3])  # pyright: ignore
    if target is torch.ops.higher_order.scan:
        return scan(args[0], args[1][0], args[2][0])  # pyright: ignore
    if target is torch.ops.higher_order.map_impl:
        return map_(args[0], args[1][0], *args[2])  # pyright: ignore
    return target(*args, **named)


def body(program: Program) -> Callable[..., Any]:
    """Return a function that runs a program."""
    return lambda *inputs: ran(program, [*inputs, *(c.clone() for c in program.constants)])


def mapped(change: Callable[[Any], Any], values: Any) -> Any:
    """Return nested values with every leaf changed."""
    return pytree.tree_map(change, values)


def tensors(value: Any) -> list[Tensor]:
    """Return the tensors in nested values."""
    return [leaf for leaf in pytree.tree_leaves(value) if isinstance(leaf, torch.Tensor)]
