"""The arguments of one training step, flattened: tensors that a graph takes, constants that it contains."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from numbers import Number
from typing import Any, cast

import torch

from hmcos.errors import OptionError
from hmcos.frontends.torch.private import storage_address
from hmcos.frontends.torch.private_training import flattened, unflattened

_CONSTANTS = (
    type(None),
    str,
    bytes,
    Number,
    Enum,
    torch.dtype,
    torch.device,
    torch.layout,
    torch.memory_format,
)
"""Kinds of leaves that a graph may contain: they hold no tensors, and never change."""


@dataclass(frozen=True)
class Batch:
    """The arguments of one step."""

    leaves: tuple[Any, ...]
    structure: Any
    """How the leaves form (arguments, keyword arguments): a TreeSpec."""

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        """The tensors among the leaves, in order."""
        return tuple(leaf for leaf in self.leaves if isinstance(leaf, torch.Tensor))

    def key(self) -> Hashable:
        """Return what decides the graph.

        Of tensors that is all but their numbers, and which share memory; of other leaves it is the value.
        """
        tensors = self.tensors
        first: dict[int, int] = {}
        shared = tuple(first.setdefault(storage_address(t), at) for at, t in enumerate(tensors))
        return (self.structure, shared, *map(_leaf_key, self.leaves))

    def with_tensors(self, tensors: Sequence[torch.Tensor]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments and keyword arguments with other tensors in the place of these."""
        others = iter(tensors)
        leaves = [next(others) if isinstance(leaf, torch.Tensor) else leaf for leaf in self.leaves]
        return unflattened(leaves, self.structure)


def batch_of(arguments: Sequence[Any], named: Mapping[str, Any]) -> Batch:
    """Return the flattened arguments of a step.

    Raises:
        OptionError: one of them is an object that may hold tensors, or no dense tensor.
    """
    leaves, structure = flattened((tuple(arguments), dict(named)))
    batch = Batch(tuple(leaves), structure)
    for leaf in batch.leaves:
        if not isinstance(leaf, torch.Tensor):
            _check_constant(leaf)
    for number, tensor in enumerate(batch.tensors):
        _check_tensor(number, tensor)
    return batch


def _check_constant(leaf: object) -> None:
    """Raise an OptionError if a leaf may hold tensors, which the graph would take for constants."""
    if not isinstance(leaf, _CONSTANTS):
        raise OptionError(
            f"the batch has a {type(leaf).__name__}, and one graph takes tensors, numbers and text, and"
            " tuples, lists and dicts of them: pass its tensors instead (an array by torch.from_numpy)"
        )


def _check_tensor(number: int, tensor: torch.Tensor) -> None:
    """Raise an OptionError if a tensor has no strides, or a gradient that would have to flow on."""
    if tensor.is_nested or tensor.layout is not torch.strided:
        what = "nested" if tensor.is_nested else f"of layout {tensor.layout}"
        raise OptionError(
            f"tensor {number} of the batch is {what}: give a dense one, as by"
            f" {'torch.nested.to_padded_tensor' if tensor.is_nested else '.to_dense()'}"
        )
    if tensor.grad_fn is not None:
        raise OptionError(
            f"tensor {number} of the batch was computed from what requires a gradient, which would end at the"
            " batch: make that computation part of the model, or pass the tensor's .detach()"
        )


def layout_of(tensor: torch.Tensor) -> Hashable:
    """Return what is known of a tensor without its numbers."""
    return (tensor.shape, tensor.stride(), tensor.dtype, tensor.device)


def _leaf_key(leaf: Any) -> Hashable:
    if isinstance(leaf, torch.Tensor):
        return (layout_of(leaf), leaf.requires_grad)
    # As text, where the hash of a value does not tell it from others (0.0 and -0.0), or there is none.
    return (cast("type[object]", type(leaf)), repr(leaf))
