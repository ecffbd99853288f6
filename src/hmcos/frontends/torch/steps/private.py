"""Names of PyTorch that are not public, for training steps; another version of PyTorch may move them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import fx
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.experimental.symbolic_shapes import ShapeEnv
from torch.utils import _pytree


def flattened(tree: Any) -> tuple[list[Any], Any]:
    """Return the leaves of nested tuples, lists, dicts and registered classes, and their structure."""
    return _pytree.tree_flatten(tree)


def unflattened(leaves: Sequence[Any], structure: Any) -> Any:
    """Return the tree of these leaves."""
    return _pytree.tree_unflatten(leaves, structure)


def storage_key(tensor: torch.Tensor) -> int:
    """Return a number that two tensors share if they share storage, fake ones too."""
    return tensor.untyped_storage()._cdata


class FakeMode:
    """Tensors without values, for one trace; the sizes of its inputs are plain numbers."""

    def __init__(self) -> None:
        # Tensors that the model's code closes over are not inputs: they enter the graph as constants.
        self.mode = FakeTensorMode(shape_env=ShapeEnv(), allow_non_fake_inputs=True)

    def fake(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return a fake of a tensor, with its strides and whether it requires a gradient."""
        return self.mode.from_tensor(tensor, static_shapes=True)


def trace(
    function: Callable[[Sequence[torch.Tensor]], Any], inputs: Sequence[torch.Tensor], mode: FakeMode
) -> fx.GraphModule:
    """Return a function of fake tensors as a graph of operators."""

    def plain(inputs: Sequence[torch.Tensor]) -> Any:
        return function(inputs)  # make_fx counts the arguments of code objects, and a method has one more

    with mode.mode:
        return make_fx(plain)(list(inputs))


def hooks_of(optimizer: torch.optim.Optimizer) -> bool:
    """Return whether an optimizer has hooks around its steps."""
    return bool(optimizer._optimizer_step_pre_hooks or optimizer._optimizer_step_post_hooks)


def mark_stepped(optimizer: torch.optim.Optimizer) -> None:
    """Tell the schedulers of learning rates that the optimizer made a step, so that they do not warn."""
    optimizer._opt_called = True


def has_gradient_hooks(parameter: torch.Tensor) -> bool:
    """Return whether functions wait for the gradient of a parameter."""
    return bool(parameter._backward_hooks or parameter._post_accumulate_grad_hooks)
