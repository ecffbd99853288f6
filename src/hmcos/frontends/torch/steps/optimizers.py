"""Which optimizers a training step knows, and the updates of their parameters."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from torch import nn

from hmcos.errors import OptionError
from hmcos.frontends.torch.private_training import has_step_hooks
from hmcos.frontends.torch.steps.updates import AdamUpdate, SgdUpdate, Update

_KINDS: dict[type[torch.optim.Optimizer], type[Update]] = {
    torch.optim.SGD: SgdUpdate,
    torch.optim.Adam: AdamUpdate,
    torch.optim.AdamW: AdamUpdate,
}
_SWITCHES = (
    "weight_decay",
    "momentum",
    "nesterov",
    "amsgrad",
    "maximize",
    "decoupled_weight_decay",
)
_REFUSED = ("capturable", "differentiable", "fused")


def updates_of(optimizer: torch.optim.Optimizer, parameters: Mapping[str, nn.Parameter]) -> dict[str, Update]:
    """Return the update of every parameter of an optimizer, by its name, in the optimizer's order.

    Raises:
        OptionError: the optimizer, or an option of it, is none that a step knows.
    """
    kind = _KINDS.get(type(optimizer))
    if kind is None:
        raise OptionError(
            f"the optimizer is {type(optimizer).__name__}, and a training step knows SGD, Adam and AdamW: use"
            ' one of these, or torch.compile(model, backend="hmcos") with any optimizer'
        )
    names = {parameter: name for name, parameter in parameters.items()}
    updates: dict[str, Update] = {}
    for number, group in enumerate(optimizer.param_groups):
        _check_group(number, group)
        for parameter in group["params"]:
            name = names.get(parameter)
            if name is None:
                raise OptionError(
                    f"group {number} of the optimizer has a parameter of shape {tuple(parameter.shape)} that"
                    " is not in the model: make the optimizer from model.parameters()"
                )
            updates[name] = kind(parameter, optimizer, number)
    return updates


def check_no_step_hooks(optimizer: torch.optim.Optimizer) -> None:
    """Raise an OptionError if functions wait for the steps of an optimizer."""
    if has_step_hooks(optimizer):
        raise OptionError("the optimizer has step hooks, which one graph cannot call: remove them")


def _check_group(number: int, group: Mapping[str, Any]) -> None:
    for option in _REFUSED:
        if group.get(option):
            raise OptionError(
                f"group {number} of the optimizer has {option}=True, and a training step computes the"
                f" numbers of an update on the host: make the optimizer with {option}=False"
            )
    for parameter in group["params"]:
        if parameter.is_complex():
            raise OptionError(
                f"group {number} of the optimizer has a complex parameter: train it in real numbers"
            )


def structure_of(optimizer: torch.optim.Optimizer) -> Hashable:
    """Return what decides which operators an update has; its numbers do not."""
    return tuple(
        (
            *map(id, group["params"]),
            *(bool(group.get(switch)) for switch in (*_SWITCHES, *_REFUSED)),
            group.get("foreach"),
            isinstance(group["lr"], torch.Tensor),
        )
        for group in optimizer.param_groups
    )
