"""Append the operators of a training step to a traced graph, and the inputs that they need."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import fx

from hmcos.frontends.torch.steps.origins import stack_of

Read = Callable[[], Any]


@dataclass
class StepWriter:
    """A graph that grows at its end, where every input knows how to read its value at each call."""

    graph: fx.Graph
    output: fx.Node
    last_input: fx.Node
    module: str = ""
    """The module whose parameter is written about, which nodes will name."""
    reads: list[Read] = field(default_factory=list[Read])
    """Per input added here: what returns its value for a call."""
    examples: list[Any] = field(default_factory=list[Any])
    """Per input added here: a fake tensor, or a number."""
    states: list[fx.Node] = field(default_factory=list[fx.Node])
    """The inputs added here that live as long as the model."""
    _numbers: dict[tuple[Hashable, str], fx.Node] = field(default_factory=dict[tuple[Hashable, str], fx.Node])

    def add_input(self, name: str, example: Any, read: Read) -> fx.Node:
        """Return a new input of the graph: a tensor, or a number that operators take as it is."""
        with self.graph.inserting_after(self.last_input):
            node = self.graph.placeholder(f"{name}_input{len(self.reads)}")  # an argument: once in a function
        node.meta["val"] = example
        self.last_input = node
        self.reads.append(read)
        self.examples.append(example)
        return node

    def add_state(self, name: str, example: torch.Tensor, read: Callable[[], torch.Tensor]) -> fx.Node:
        """Return a new input that is a tensor of the optimizer, which lives as long as the model."""
        node = self.add_input(name, example, read)
        self.states.append(node)
        return node

    def add_number(self, name: str, owner: Hashable, read: Callable[[], float]) -> fx.Node:
        """Return the input of a number; one for all calls with the same name and owner."""
        key = (owner, name)
        if key not in self._numbers:
            self._numbers[key] = self.add_input(name, 0.5, read)
        return self._numbers[key]

    def call(self, operator: Any, *arguments: Any, **named: Any) -> fx.Node:
        """Return the last node of the graph: a call of an operator."""
        with self.graph.inserting_before(self.output):
            node = self.graph.call_function(operator, arguments, named)
        node.meta["nn_module_stack"] = stack_of(self.module)
        return node


@dataclass(frozen=True)
class Gradient:
    """A gradient in the graph."""

    node: fx.Node
    is_owned: bool
    """Whether nothing else needs its memory, so that it may be changed in place."""

    def changed(self, node: fx.Node) -> Gradient:
        """Return the gradient after an operator that made a fresh tensor, or changed an owned one."""
        return Gradient(node, is_owned=True)


def is_laid_out_as(gradient: torch.Tensor, parameter: torch.Tensor) -> bool:
    """Return whether backward() would keep a gradient as it is, instead of copying it into other strides.

    The rule is that of PyTorch (torch/csrc/autograd/utils/grad_layout_contract.h).
    """
    if _is_dense(parameter):
        steps = zip(gradient.shape, gradient.stride(), parameter.stride(), strict=True)
        return all(size == 1 or ours == theirs for size, ours, theirs in steps)
    return gradient.is_contiguous()


def _is_dense(tensor: torch.Tensor) -> bool:
    """Return whether a tensor fills its memory without gaps or overlaps, in any order of dimensions."""
    expected = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size == 1:
            continue
        if stride != expected:
            return False
        expected *= size
    return True
