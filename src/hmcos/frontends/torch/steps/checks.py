"""What a training step refuses before it traces, in one line that says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from torch import nn

from hmcos.errors import OptionError
from hmcos.frontends.torch.private_training import has_gradient_hooks
from hmcos.frontends.torch.steps.origins import plain


def check_model(model: nn.Module) -> None:
    """Raise an OptionError if a model cannot be trained by one graph."""
    given: object = model
    if not isinstance(given, nn.Module):
        raise OptionError(f"the model is a {type(given).__name__}, not a torch.nn.Module")
    parallel = cast("tuple[type[nn.Module], ...]", (nn.parallel.DistributedDataParallel, nn.DataParallel))
    if isinstance(model, parallel):
        raise OptionError(
            f"the model is wrapped in {type(model).__name__}, which talks to other processes or devices"
            " during backward: one graph trains one model on one device; pass the module inside"
        )
    for name, parameter in model.named_parameters():
        if nn.parameter.is_lazy(parameter):
            raise OptionError(f"parameter {name!r} has no shape yet: run the model once before training_step")


def check_no_gradient_hooks(parameters: Mapping[str, torch.Tensor]) -> None:
    """Raise an OptionError if functions wait for the gradient of a parameter."""
    for name, parameter in parameters.items():
        if has_gradient_hooks(parameter):
            raise OptionError(
                f"parameter {plain(name)!r} has hooks on its gradient, which one graph cannot call: remove"
                " them (with hmcos the update frees the gradient by itself)"
            )
