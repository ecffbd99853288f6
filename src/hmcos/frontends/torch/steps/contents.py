"""What a model consists of, and whether it still does: layers are replaced and weights loaded meanwhile."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from hmcos.frontends.torch.private_training import members_of
from hmcos.frontends.torch.steps.batches import layout_of
from hmcos.frontends.torch.steps.origins import modules_of


@dataclass(frozen=True, eq=False)
class Contents:
    """The modules, parameters and buffers of a model and its loss, when it was looked at."""

    modules: tuple[nn.Module, ...]
    parameters: Mapping[str, nn.Parameter]
    places: Mapping[str, tuple[nn.Module, str]]
    """Where the buffers are, by their names: `model.to(device)` replaces them."""
    members: Hashable
    """Which modules and parameters these modules had, and the names of their buffers."""

    def are_current(self) -> bool:
        """Return whether the model still consists of the same modules and parameters."""
        return self.members == _members(self.modules)

    @property
    def buffers(self) -> dict[str, torch.Tensor]:
        """The buffers as they are now, by their names."""
        return {name: getattr(module, key) for name, (module, key) in self.places.items()}

    @property
    def device(self) -> str:
        """The kind of device that the model is on."""
        return next((parameter.device.type for parameter in self.parameters.values()), "cpu")

    def key(self) -> Hashable:
        """Return what decides the graph: modes, frozen parameters, types and shapes."""
        return (
            tuple(module.training for module in self.modules),
            tuple((value.requires_grad, layout_of(value)) for value in self.parameters.values()),
            tuple(layout_of(value) for value in self.buffers.values()),
        )


def contents_of(whole: nn.Module) -> Contents:
    """Return what a model consists of now."""
    modules = modules_of(whole)
    places: dict[str, tuple[nn.Module, str]] = {}
    for name, _ in whole.named_buffers():
        path, _, key = name.rpartition(".")
        places[name] = (modules[path], key)
    of_all = tuple(modules.values())
    return Contents(of_all, dict(whole.named_parameters()), places, _members(of_all))


def _members(modules: tuple[nn.Module, ...]) -> Hashable:
    return tuple(map(members_of, modules))
