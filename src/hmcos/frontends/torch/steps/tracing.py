"""Trace the loss of a model and its gradients on fake tensors: nothing is computed, nothing is changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn

from hmcos.errors import ModelError, OptionError
from hmcos.frontends.torch.observing import draws_random_numbers
from hmcos.frontends.torch.private import FakeTensorMode, fake_mode, storage_address
from hmcos.frontends.torch.private_training import DATA_DEPENDENT, made_graph
from hmcos.frontends.torch.refusing import refusal
from hmcos.frontends.torch.steps.autocast import Autocast
from hmcos.frontends.torch.steps.batches import Batch
from hmcos.frontends.torch.steps.origins import Origins, is_backward, plain
from hmcos.frontends.torch.steps.undoing import undone
from hmcos.words import first_line

Loss = Callable[[Any, Any], torch.Tensor]


class WithLoss(nn.Module):
    """A model that returns its loss: its own, or that of its output and the last argument."""

    def __init__(self, model: nn.Module, loss: Loss | None) -> None:
        super().__init__()
        self.model = model
        self.loss = loss

    def forward(self, *arguments: Any, **named: Any) -> torch.Tensor:
        """Return the loss.

        Raises:
            OptionError: it is no tensor of one element.
        """
        if self.loss is None:
            value = self.model(*arguments, **named)
            value = getattr(value, "loss", value)
        elif not arguments:
            raise OptionError("the batch has no target for the loss: give (*inputs, target), or loss=None")
        else:
            *inputs, target = arguments
            value = self.loss(self.model(*inputs, **named), target)
        return _one_number(value)


def _one_number(value: Any) -> torch.Tensor:
    if not isinstance(value, torch.Tensor):
        raise OptionError(
            f"the loss is a {type(value).__name__}, not a tensor: give a loss function that returns one, or a"
            " model whose output is its loss or has it as `.loss`"
        )
    if value.numel() != 1:
        shape = tuple(value.shape)
        raise OptionError(f"the loss has the shape {shape}, not one element: reduce it, as by .mean()")
    return value


@dataclass(frozen=True)
class Traced:
    """The loss and the gradients as a graph, which returns them in this order."""

    module: fx.GraphModule
    mode: FakeTensorMode
    inputs: tuple[torch.Tensor, ...]
    """Fake tensors: parameters, buffers, tensors of the batch."""
    gradients: tuple[torch.Tensor | None, ...]
    """Per trained parameter: its gradient as a fake tensor; None if the loss does not depend on it."""
    owned: tuple[bool, ...]
    """Per trained parameter: whether only its gradient uses its memory."""


@dataclass(frozen=True)
class Tensors:
    """The tensors of a model and its loss that a graph takes as inputs, by their names in `WithLoss`."""

    parameters: Mapping[str, nn.Parameter]
    buffers: Mapping[str, torch.Tensor]
    updated: frozenset[str]
    """The names of the parameters that the optimizer has."""

    @property
    def trained(self) -> tuple[str, ...]:
        """The names of the parameters that get a gradient."""
        return tuple(
            name
            for name, parameter in self.parameters.items()
            if parameter.requires_grad and name in self.updated
        )


def trace_gradients(whole: WithLoss, tensors: Tensors, batch: Batch, autocast: Autocast) -> Traced:
    """Return the loss and its gradients as a graph; autocast, where it is on, holds for forward and loss.

    Raises:
        OptionError: the loss has a wrong shape, or depends on no parameter.
        ModelError: the model cannot be traced, mostly because its control flow depends on values of tensors.
    """
    mode = fake_mode()
    fakes = [mode.from_tensor(tensor, static_shapes=True) for tensor in _inputs(tensors, batch)]
    for fake, given in zip(reversed(fakes), reversed(batch.tensors), strict=False):
        fake.requires_grad_(given.requires_grad)  # a model may differentiate by its inputs
    origins = Origins(whole, autocast.device)
    tracing = _Tracing(whole, tensors, batch, autocast, origins)
    with origins, undone(whole):
        try:
            with autocast.outside(), mode:
                module = made_graph(tracing.run, fakes)
        except (OptionError, torch.OutOfMemoryError):
            raise
        except DATA_DEPENDENT as error:
            raise ModelError(
                f"{origins.path()}: what runs depends on the values of tensors, and one graph always runs the"
                " same: select values with torch.where, or branch with torch.cond"
            ) from error
        except Exception as error:
            raise ModelError(f"{origins.path()}: cannot be traced: {first_line(error)}") from error
    _check(module)
    return Traced(module, mode, tuple(fakes), tuple(tracing.gradients), tracing.owned())


def _check(module: fx.GraphModule) -> None:
    """Raise a ModelError if an operator cannot run in a graph without autograd."""
    for node in module.graph.nodes:
        if is_backward(node) and draws_random_numbers(node.target, node.args, node.kwargs):
            raise refusal(
                node,
                "draws random numbers again in backward, because the model is checkpointed, and a graph"
                " cannot draw the same ones twice: leave dropout out of what is checkpointed",
            )
        if node.target is torch.ops.aten.mkldnn_rnn_layer.default:
            raise refusal(
                node,
                "the LSTM of oneDNN hands its workspace on to autograd alone: make and call the step inside"
                " torch.backends.mkldnn.flags(enabled=False)",
            )


def _inputs(tensors: Tensors, batch: Batch) -> list[torch.Tensor]:
    """Return the real tensors that a graph takes, in the order of its inputs."""
    return [*tensors.parameters.values(), *tensors.buffers.values(), *(t.detach() for t in batch.tensors)]


class _Tracing:
    """One run of forward and backward on fake tensors."""

    def __init__(
        self,
        whole: WithLoss,
        tensors: Tensors,
        batch: Batch,
        autocast: Autocast,
        origins: Origins,
    ) -> None:
        self._whole, self._tensors, self._batch, self._autocast = whole, tensors, batch, autocast
        self._origins = origins
        self.gradients: Sequence[torch.Tensor | None] = ()
        self._others: set[int] = set()
        """Storages that something else than one gradient uses."""

    def run(self, inputs: Sequence[torch.Tensor]) -> tuple[torch.Tensor | None, ...]:
        """Return the detached loss and the gradients of the trained parameters."""
        parameters = dict(zip(self._tensors.parameters, inputs, strict=False))
        rest = inputs[len(parameters) :]
        buffers = dict(zip(self._tensors.buffers, rest, strict=False))
        arguments, named = self._batch.with_tensors(rest[len(buffers) :])
        given = dict(buffers)
        together = {**parameters, **buffers}
        places = {name: storage_address(tensor) for name, tensor in parameters.items()}
        with torch.enable_grad():
            with self._autocast.inside():
                loss = torch.func.functional_call(self._whole, together, arguments, named)
            _check_memory(parameters, places)
            trained = [parameters[name] for name in self._tensors.trained]
            self._origins.follow(loss)
            gradients = _gradients(loss, trained)
        with torch.no_grad():
            for name, buffer in given.items():
                if together[name] is not buffer:  # the model assigned a new tensor to the buffer
                    buffer.copy_(_like(name, buffer, together[name]))
            result = loss.detach()
        self.gradients = gradients
        self._others = {storage_address(tensor) for tensor in (*inputs, result)}
        return (result, *gradients)

    def owned(self) -> tuple[bool, ...]:
        """Return per gradient whether nothing else shares its storage."""
        keys = [None if gradient is None else storage_address(gradient) for gradient in self.gradients]
        return tuple(key not in self._others and keys.count(key) == 1 for key in keys)


def _check_memory(parameters: Mapping[str, torch.Tensor], places: Mapping[str, int]) -> None:
    """Raise an OptionError if a parameter is no longer where it was: a graph would write to the old place."""
    for name, parameter in parameters.items():
        if storage_address(parameter) != places[name]:
            raise OptionError(
                f"the model gives parameter {plain(name)!r} another memory, by assigning to its .data: write"
                " into it, as by parameter.data.copy_(value)"
            )


def _like(name: str, buffer: torch.Tensor, value: object) -> torch.Tensor:
    """Return the new value of a buffer.

    Raises:
        OptionError: it does not fit where the old one is.
    """
    if isinstance(value, torch.Tensor) and (value.shape, value.dtype) == (buffer.shape, buffer.dtype):
        return value
    new = f"{tuple(value.shape)}, {value.dtype}" if isinstance(value, torch.Tensor) else repr(value)
    raise OptionError(
        f"the model replaces buffer {plain(name)!r} ({tuple(buffer.shape)}, {buffer.dtype}) by another kind"
        f" ({new}), and one graph writes into the old one: run the model once on the longest input before"
    )


def _gradients(loss: torch.Tensor, trained: Sequence[torch.Tensor]) -> tuple[torch.Tensor | None, ...]:
    gradients = torch.autograd.grad(loss, trained, allow_unused=True) if loss.requires_grad else ()
    for gradient in gradients:
        if isinstance(gradient, torch.Tensor) and gradient.layout is not torch.strided:
            raise OptionError("a gradient is sparse: make the embedding with sparse=False")
    if not any(isinstance(gradient, torch.Tensor) for gradient in gradients):
        raise OptionError(
            "the loss depends on no parameter that requires a gradient: check requires_grad, and that the"
            " model does not detach what it computes"
        )
    return gradients
