"""Put a whole training step together: loss and gradients, what happens to them, and the updates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import fx
from torch.fx.graph import CodeGen

from hmcos.frontends.torch.private_training import by_type
from hmcos.frontends.torch.steps.gradients import accumulated, clipped, laid_out, owned
from hmcos.frontends.torch.steps.origins import plain
from hmcos.frontends.torch.steps.tracing import Tensors, Traced
from hmcos.frontends.torch.steps.updates import Update
from hmcos.frontends.torch.steps.writer import Gradient, Read, StepWriter


@dataclass(frozen=True)
class Part:
    """Which part of an update one call does; without accumulation it does the whole."""

    updates: bool
    """Whether it updates the parameters; if not, gradients that are no kept ones become outputs to keep."""
    kept: tuple[str, ...]
    """The parameters with gradients that earlier calls added up, to which those of this call are added."""


@dataclass(frozen=True)
class StepGraph:
    """A training step as a graph in the order of eager PyTorch."""

    module: fx.GraphModule
    examples: tuple[Any, ...]
    """Per input: a fake tensor, or a number."""
    parameters: tuple[str, ...]
    """The names of the inputs that live as long as the model: parameters, buffers, the optimizer's state."""
    reads: tuple[Read, ...]
    """Per input behind parameters, buffers and batch: what returns its value for a call."""
    updates: tuple[Update, ...]
    """One per parameter that the graph updates."""
    kept: tuple[str, ...]
    """The parameters whose gradients are its outputs behind the loss."""
    used: tuple[str, ...]
    """The parameters whose gradients of earlier calls it uses up."""


@dataclass(frozen=True)
class Recipe:
    """What a step does besides loss and gradients."""

    part: Part
    updates: Mapping[str, Update]
    """By the name of the parameter, in the order of the optimizer."""
    clip: Callable[[], float] | None
    """What returns the largest norm of all gradients; None where they are not clipped."""


def assemble(traced: Traced, tensors: Tensors, recipe: Recipe) -> StepGraph:
    """Return a whole step. The graph of `traced` is changed."""
    graph = traced.module.graph
    nodes = list(graph.nodes)
    inputs = [node for node in nodes if node.op == "placeholder"]
    writer = StepWriter(graph, output=nodes[-1], last_input=inputs[-1])
    loss, *results = cast("Sequence[fx.Node | None]", nodes[-1].args[0])
    fakes = dict(zip(tensors.trained, traced.gradients, strict=True))
    with traced.mode:
        gradients = {
            name: Gradient(node, is_owned)
            for name, node, is_owned in zip(tensors.trained, results, traced.owned, strict=True)
            if node is not None
        }
        targets = dict(zip(tensors.parameters, zip(inputs, traced.inputs, strict=False), strict=False))
        steps = _Assembly(writer, recipe, fakes, targets)
        kept = steps.write(gradients)
    nodes[-1].args = ((loss, *kept.values()),)
    graph.set_codegen(CodeGen())  # one argument per input, not the list that was traced
    traced.module.recompile()
    updates = tuple(recipe.updates[name] for name in steps.updated)
    examples = (*(fake.detach() for fake in traced.inputs), *writer.examples)
    used = recipe.part.kept if recipe.part.updates else ()
    lasting = [*inputs[: len(tensors.parameters) + len(tensors.buffers)], *writer.states]
    names = tuple(node.name for node in lasting)
    return StepGraph(traced.module, examples, names, tuple(writer.reads), updates, tuple(kept), used)


@dataclass
class _Assembly:
    writer: StepWriter
    recipe: Recipe
    fakes: Mapping[str, torch.Tensor | None]
    """By name of the parameter: its gradient as traced."""
    targets: Mapping[str, tuple[fx.Node, torch.Tensor]]
    """By name of the parameter: its input, and that as a fake tensor."""
    updated: tuple[str, ...] = ()

    def write(self, gradients: Mapping[str, Gradient]) -> dict[str, fx.Node]:
        """Append everything behind backward; return the gradients that are outputs, by parameter."""
        kept = self.recipe.part.kept
        known = [name for name in self.targets if name in gradients or name in kept]
        whole = {name: self._collected(name, gradients.get(name)) for name in known}
        if not self.recipe.part.updates:
            return {name: owned(self.writer, whole[name]).node for name in known if name not in kept}
        if self.recipe.clip:
            whole = dict(zip(whole, self._clipped(whole, self.recipe.clip), strict=True))
        self.updated = tuple(name for name in self.recipe.updates if name in whole)
        for name in self.updated:
            target, fake = self.targets[name]
            self.writer.module = _module_of(name)
            self.recipe.updates[name].emit(self.writer, target, whole[name], fake)
        return {}

    def _collected(self, name: str, gradient: Gradient | None) -> Gradient:
        """Return the gradient in the strides of its parameter, with those of earlier calls added."""
        self.writer.module = _module_of(name)
        _, parameter = self.targets[name]
        if gradient is not None:
            traced = self.fakes[name]
            assert traced is not None
            gradient = laid_out(self.writer, gradient, traced, parameter)
            if name not in self.recipe.part.kept:
                return gradient
        kept = self.recipe.updates[name].parameter
        return accumulated(self.writer, gradient, parameter, lambda: kept.grad)

    def _clipped(self, gradients: Mapping[str, Gradient], norm: Callable[[], float]) -> list[Gradient]:
        self.writer.module = ""
        order = by_type([self.targets[name][1] for name in gradients])
        return clipped(self.writer, list(gradients.values()), order, norm)


def _module_of(parameter: str) -> str:
    """Return the path of the module that a parameter belongs to."""
    return plain(parameter.rpartition(".")[0])
