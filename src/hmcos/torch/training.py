"""Training steps whose forward, backward and update run as one graph in its least-memory order."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from hmcos.errors import OptionError
from hmcos.frontends.torch.private_training import mark_stepped
from hmcos.frontends.torch.steps.assembling import Phase, Recipe, assemble
from hmcos.frontends.torch.steps.autocast import Autocast, current_autocast
from hmcos.frontends.torch.steps.batches import Batch, batch_of
from hmcos.frontends.torch.steps.checks import check_batch, check_model
from hmcos.frontends.torch.steps.optimizers import structure_of, updates_of
from hmcos.frontends.torch.steps.origins import modules_of, plain
from hmcos.frontends.torch.steps.tracing import Loss, Tensors, WithLoss, trace_gradients
from hmcos.plan.plan import Plan
from hmcos.torch.arranging import OrderedStep, Searching, in_order
from hmcos.torch.ordering import Ordered


def training_step(  # noqa: PLR0913 (a keyword for each choice)
    model: nn.Module,
    loss: Loss | None,
    optimizer: torch.optim.Optimizer,
    example_batch: Sequence[Any] | Mapping[str, Any],
    *,
    clip_grad_norm: float | None = None,
    accumulate: int = 1,
    target: str | None = None,
    time_limit: float | None = 5.0,
    cache: bool = True,
) -> TrainingStep:
    """Return a function that trains a model by one batch: the bits of eager PyTorch in the least memory.

    The function takes a batch like `example_batch`, which is `(*inputs, target)`, or a dict of named inputs,
    and returns the detached loss. It does what these lines do, as one graph in an order that frees each
    gradient as soon as its parameter is updated:

        loss(model(*inputs), target).backward(); optimizer.step(); optimizer.zero_grad()

    Parameters, buffers and the optimizer's state change in place, so that `state_dict` and schedulers work as
    always. A batch of another shape, another mode (`model.eval()`) and other frozen parameters are traced and
    planned once more.

    Args:
        model: the module to train.
        loss: a function of the model's output and the target; None if the model returns its loss, or an
            object whose `.loss` it is.
        optimizer: SGD, Adam or AdamW over parameters of the model.
        example_batch: decides the first shape to be planned; nothing is computed with it.
        clip_grad_norm: the largest norm of all gradients together, as by `torch.nn.utils.clip_grad_norm_`.
        accumulate: how many calls add up their gradients before one update. As with backward(), the sum is
            not divided: divide the loss.
        target: the target whose rules of memory count; None for that of the model's device.
        time_limit: seconds that each search may take; None for no limit.
        cache: whether orders are kept on disk (in `~/.cache/hmcos`), so that a second start needs no search.

    Raises:
        OptionError: an argument is wrong, or asks for what a step cannot do.
        ModelError: the model cannot be traced.
    """
    if accumulate < 1:
        raise OptionError(f"accumulate={accumulate} is not a number of calls: give 1 or more")
    if clip_grad_norm is not None and not clip_grad_norm > 0:
        raise OptionError(f"clip_grad_norm={clip_grad_norm} is not a norm: give a positive number, or None")
    searching = Searching(target, time_limit, cache)
    step = TrainingStep(model, loss, optimizer, _Options(clip_grad_norm, accumulate, searching))
    named = isinstance(example_batch, Mapping)
    step.prepare(batch_of((), example_batch) if named else batch_of(example_batch, {}))
    return step


@dataclass(frozen=True)
class _Options:
    clip_grad_norm: float | None
    accumulate: int
    searching: Searching


@dataclass(frozen=True)
class _Prepared:
    """A step for one shape of batch, and what it reads and changes."""

    phase: Phase
    ordered: OrderedStep
    autocast: Autocast


class TrainingStep:
    """Trains a model by one batch per call. `training_step` makes it."""

    def __init__(
        self, model: nn.Module, loss: Loss | None, optimizer: torch.optim.Optimizer, options: _Options
    ) -> None:
        check_model(model)
        self._whole = WithLoss(model, loss)
        self._optimizer = optimizer
        self._options = options
        self._parameters = dict(self._whole.named_parameters())
        self._modules = list(self._whole.modules())
        self._places = _places(self._whole)
        self._device = next(iter(self._parameters.values())).device.type if self._parameters else "cpu"
        self._prepared: dict[Hashable, _Prepared] = {}
        self._calls = 0
        """Calls since the last update."""
        updates_of(optimizer, self._parameters)

    def __call__(self, *batch: Any, **named: Any) -> torch.Tensor:
        """Train by one batch and return its loss, detached.

        Raises:
            OptionError: the batch or the optimizer asks for what a step cannot do.
            ModelError: the model cannot be traced with this batch.
        """
        flat = batch_of(batch, named)
        phase = self._phase(self._calls)
        prepared = self.prepare(flat, phase)
        if phase in (Phase.MIDDLE, Phase.LAST):
            self._check_kept(prepared)
        result = self._run(prepared, flat)
        self._calls = (self._calls + 1) % self._options.accumulate
        if phase in (Phase.WHOLE, Phase.LAST):
            mark_stepped(self._optimizer)
        return result

    def __repr__(self) -> str:
        planned = "; ".join(found.words for found in self.orders)
        return f"<TrainingStep of {type(self._whole.model).__name__}: {planned}>"

    @property
    def plans(self) -> tuple[Plan, ...]:
        """What was planned so far, one per shape of batch."""
        return tuple(found.plan for found in self.orders)

    @property
    def orders(self) -> tuple[Ordered, ...]:
        """The graphs of these plans in their orders."""
        return tuple(prepared.ordered.ordered for prepared in self._prepared.values())

    def prepare(self, batch: Batch, phase: Phase | None = None) -> _Prepared:
        """Return the step for a batch, traced and planned at the first call with its shape."""
        phase = phase or self._phase(0)
        autocast = current_autocast(self._device)
        modes = tuple(module.training for module in self._modules)
        trained = tuple(parameter.requires_grad for parameter in self._parameters.values())
        key = (phase, batch.key(), autocast, modes, trained, structure_of(self._optimizer))
        if key not in self._prepared:
            self._prepared[key] = self._traced(batch, phase, autocast)
        return self._prepared[key]

    def _phase(self, calls: int) -> Phase:
        last = self._options.accumulate - 1
        if last == 0:
            return Phase.WHOLE
        return Phase.FIRST if calls == 0 else Phase.LAST if calls == last else Phase.MIDDLE

    def _traced(self, batch: Batch, phase: Phase, autocast: Autocast) -> _Prepared:
        check_batch(batch)
        updates = updates_of(self._optimizer, self._parameters)
        tensors = Tensors(self._parameters, self._buffers(), frozenset(updates))
        traced = trace_gradients(self._whole, tensors, batch, autocast)
        norm = self._options.clip_grad_norm
        recipe = Recipe(phase, updates, None if norm is None else lambda: float(norm))
        graph = assemble(traced, tensors, recipe)
        return _Prepared(phase, in_order(graph, self._options.searching), autocast)

    def _buffers(self) -> dict[str, torch.Tensor]:
        return {name: getattr(module, key) for name, (module, key) in self._places.items()}

    def _run(self, prepared: _Prepared, batch: Batch) -> torch.Tensor:
        graph = prepared.ordered.graph
        for update in graph.updates:
            update.begin()
        inputs = [*self._parameters.values(), *self._buffers().values(), *batch.tensors]
        inputs += [read() for read in graph.reads]
        with torch.no_grad(), prepared.autocast.outside():
            loss, *kept = prepared.ordered.run(*inputs)
        for name, gradient in zip(graph.kept, kept, strict=True):
            self._parameters[name].grad = gradient
        for update in graph.updates:
            update.end()
        if prepared.phase is Phase.LAST:
            for name in graph.accumulated:
                self._parameters[name].grad = None
        return loss

    def _check_kept(self, prepared: _Prepared) -> None:
        """Raise an OptionError if gradients of earlier calls are gone."""
        for name in prepared.ordered.graph.accumulated:
            if self._parameters[name].grad is None:
                raise OptionError(
                    f"the gradient of {plain(name)!r} that earlier calls added up is gone: between the"
                    f" {self._options.accumulate} calls of an update, leave gradients alone (no zero_grad)"
                )


def _places(whole: nn.Module) -> dict[str, tuple[nn.Module, str]]:
    """Return where the buffers of a module are, by their names: `model.to(device)` replaces them."""
    modules = modules_of(whole)
    places: dict[str, tuple[nn.Module, str]] = {}
    for name, _ in whole.named_buffers():
        path, _, key = name.rpartition(".")
        places[name] = (modules[path], key)
    return places
