"""Undo what the code of a model does to the model while it is traced, on tensors without values."""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import nn

from hmcos.frontends.torch.private_training import version_of


@contextmanager
def undone(whole: nn.Module) -> Generator[None]:
    """Restore the attributes of all modules at the end, also lists and dicts in them, and tensors.

    So are the random numbers of the host. What other objects hold is not restored.
    """
    containers = [inside for module in whole.modules() for inside in _containers(module)]
    before = [(inside, inside.copy()) for inside in containers]
    with torch.no_grad():
        tensors = [(t, version_of(t), t.clone()) for t in _tensors(whole)]
    numbers = random.getstate()
    try:
        with cast(Any, torch.random).fork_rng(devices=()):
            yield
    finally:
        random.setstate(numbers)
        for inside, copy in before:
            inside.clear()
            if isinstance(inside, list):
                cast("list[object]", inside).extend(copy)
            else:
                inside.update(copy)
        with torch.no_grad():
            for tensor, version, copy in tensors:
                if version_of(tensor) != version:
                    tensor.copy_(copy)


def _containers(module: nn.Module) -> list[Any]:
    """Return the attributes of a module, as a dict, and the lists and dicts among them."""
    own = vars(module)
    return [own, *(value for value in own.values() if type(value) in (list, dict, OrderedDict))]


def _tensors(whole: nn.Module) -> list[torch.Tensor]:
    """Return the tensors that modules hold without having registered them."""
    values = [value for module in whole.modules() for value in vars(module).values()]
    return [v for v in values if isinstance(v, torch.Tensor) and not v.is_inference()]
