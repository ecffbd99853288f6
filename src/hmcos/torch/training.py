"""Training steps whose forward, backward and update run as one graph in its least-memory order."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, cast

import torch
from torch import nn

from hmcos.errors import OptionError
from hmcos.frontends.torch.private_training import mark_stepped
from hmcos.frontends.torch.steps.assembling import Part, Recipe, assemble
from hmcos.frontends.torch.steps.autocast import Autocast, current_autocast
from hmcos.frontends.torch.steps.batches import Batch, batch_of
from hmcos.frontends.torch.steps.checks import check_model, check_no_gradient_hooks
from hmcos.frontends.torch.steps.contents import Contents, contents_of
from hmcos.frontends.torch.steps.optimizers import check_no_step_hooks, structure_of, updates_of
from hmcos.frontends.torch.steps.origins import plain
from hmcos.frontends.torch.steps.tracing import Loss, Tensors, WithLoss, trace_gradients
from hmcos.plan.plan import Plan
from hmcos.torch.arranging import OrderedStep, in_order
from hmcos.torch.ordering import Ordered
from hmcos.torch.searching import Searching

MOST_PLANS = 32
"""Kinds of batches whose plans a step remembers."""


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
    if loss is not None and not callable(loss):
        raise OptionError(f"the loss is a {type(loss).__name__}, not a function of output and target")
    options = _Options(clip_grad_norm, accumulate, Searching(target, time_limit, cache))
    step = TrainingStep(model, loss, optimizer, options)
    with torch.inference_mode(mode=False):
        step.prepare(_example(example_batch))
    return step


def _example(batch: object) -> Batch:
    if isinstance(batch, Mapping):
        return batch_of((), cast("Mapping[str, Any]", batch))
    if isinstance(batch, tuple | list):
        return batch_of(cast("Sequence[Any]", batch), {})
    raise OptionError(
        f"the example batch is a {type(batch).__name__}: give a tuple (*inputs, target), or a dict of named"
        " inputs"
    )


@dataclass(frozen=True)
class _Options:
    clip_grad_norm: float | None
    accumulate: int
    searching: Searching

    def __post_init__(self) -> None:
        if type(self.accumulate) is not int or self.accumulate < 1:
            raise OptionError(f"accumulate={self.accumulate!r} is not a number of calls: give 1 or more")
        norm: object = self.clip_grad_norm
        if norm is not None and not (isinstance(norm, int | float) and norm > 0):
            raise OptionError(f"clip_grad_norm={norm!r} is not a norm: give a positive number, or None")


@dataclass
class _Prepared:
    """A step for one kind of batch."""

    ordered: OrderedStep
    autocast: Autocast
    latest: int = 0
    """When it was used last: the number of that call."""


class TrainingStep:
    """Trains a model by one batch per call. `training_step` makes it."""

    def __init__(
        self, model: nn.Module, loss: Loss | None, optimizer: torch.optim.Optimizer, options: _Options
    ) -> None:
        check_model(model)
        self._whole = WithLoss(model, loss)
        self._optimizer = optimizer
        self._options = options
        self._contents = self._looked_at()
        self._prepared: dict[Hashable, _Prepared] = {}
        """The step for each key: what decides its graph."""
        self._used = 0
        """How often one of them was asked for."""
        self._calls = 0
        """Calls since the last update."""
        self._added: frozenset[str] = frozenset()
        """The parameters whose gradients these calls added up."""
        self._warned = False

    def __call__(self, *batch: Any, **named: Any) -> torch.Tensor:
        """Train by one batch and return its loss, detached.

        Raises:
            OptionError: the batch or the optimizer asks for what a step cannot do.
            ModelError: the model cannot be traced with this batch.
        """
        with torch.inference_mode(mode=False):
            flat = batch_of(batch, named)
            prepared = self.prepare(flat)
            self._check_added()
            loss = self._run(prepared, flat)
        self._calls = (self._calls + 1) % self._options.accumulate
        if self._calls == 0:
            self._added = frozenset()
            mark_stepped(self._optimizer)
        return loss

    def __repr__(self) -> str:
        planned = "; ".join(found.words for found in self.orders)
        return f"<TrainingStep of {type(self._whole.model).__name__}: {planned}>"

    def __reduce__(self) -> NoReturn:
        raise OptionError(
            "a training step is neither copied nor saved: save the state_dict of its model and optimizer, and"
            " make a new one by hmcos.torch.training_step"
        )

    @property
    def plans(self) -> tuple[Plan, ...]:
        """What was planned so far, one per shape of batch."""
        return tuple(found.plan for found in self.orders)

    @property
    def orders(self) -> tuple[Ordered, ...]:
        """The graphs of these plans in their orders."""
        return tuple(prepared.ordered.ordered for prepared in self._prepared.values())

    def prepare(self, batch: Batch) -> _Prepared:
        """Return the step for the next call, traced and planned at the first call with such a batch."""
        if not self._contents.are_current():
            self._contents = self._looked_at()
            self._prepared.clear()
        check_no_gradient_hooks(self._contents.parameters)
        check_no_step_hooks(self._optimizer)
        autocast = current_autocast(self._contents.device)
        added = tuple(name for name in self._contents.parameters if name in self._added)
        part = Part(self._calls + 1 == self._options.accumulate, added)
        key = (part, batch.key(), autocast, self._contents.key(), structure_of(self._optimizer))
        if key not in self._prepared:
            if len(self._prepared) == MOST_PLANS:
                self._forget_one()
            self._prepared[key] = self._traced(batch, part, autocast)
        self._used += 1
        self._prepared[key].latest = self._used
        return self._prepared[key]

    def _looked_at(self) -> Contents:
        check_model(self._whole.model)
        contents = contents_of(self._whole)
        updates_of(self._optimizer, contents.parameters)
        return contents

    def _forget_one(self) -> None:
        del self._prepared[min(self._prepared, key=lambda key: self._prepared[key].latest)]
        if not self._warned:
            warnings.warn(
                f"hmcos: a training step was planned for more than {MOST_PLANS} kinds of batches, and forgets"
                " those used least recently: pad batches to few shapes, and pass numbers that change as"
                " tensors",
                stacklevel=4,
            )
        self._warned = True

    def _traced(self, batch: Batch, part: Part, autocast: Autocast) -> _Prepared:
        parameters = self._contents.parameters
        updates = updates_of(self._optimizer, parameters)
        tensors = Tensors(parameters, self._contents.buffers, frozenset(updates))
        traced = trace_gradients(self._whole, tensors, batch, autocast)
        norm = self._options.clip_grad_norm
        recipe = Recipe(part, updates, None if norm is None else lambda: float(norm))
        graph = assemble(traced, tensors, recipe)
        return _Prepared(in_order(graph, self._options.searching), autocast)

    def _run(self, prepared: _Prepared, batch: Batch) -> torch.Tensor:
        graph, parameters = prepared.ordered.graph, self._contents.parameters
        states = [dict(update.state) for update in graph.updates]
        try:
            for update in graph.updates:
                update.begin()
            inputs = [*parameters.values(), *self._contents.buffers.values(), *batch.tensors]
            inputs += [read() for read in graph.reads]
            with torch.no_grad(), prepared.autocast.outside():
                loss, *kept = prepared.ordered.run(*inputs)
        except BaseException:
            for update, state in zip(graph.updates, states, strict=True):
                update.restore(state)
            raise
        for name, gradient in zip(graph.kept, kept, strict=True):
            parameters[name].grad = gradient
        self._added |= frozenset(graph.kept)
        for update in graph.updates:
            update.end()
        for name in graph.used:
            parameters[name].grad = None
        return loss

    def _check_added(self) -> None:
        """Raise an OptionError if gradients of earlier calls are gone."""
        for name, parameter in self._contents.parameters.items():
            if name in self._added and parameter.grad is None:
                raise OptionError(
                    f"the gradient of {plain(name)!r} that earlier calls added up is gone: between the"
                    f" {self._options.accumulate} calls of an update, leave gradients alone (no zero_grad)"
                )
