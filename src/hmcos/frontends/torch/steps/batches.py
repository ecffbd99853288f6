"""The arguments of one training step, flattened: tensors that a graph takes, constants that it contains."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch

from hmcos.frontends.torch.private_training import flattened, unflattened


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
        """Return what decides the graph: of tensors all but their numbers, of other leaves the value."""
        return (self.structure, *(_leaf_key(leaf) for leaf in self.leaves))

    def with_tensors(self, tensors: Sequence[torch.Tensor]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments and keyword arguments with other tensors in the place of these."""
        others = iter(tensors)
        leaves = [next(others) if isinstance(leaf, torch.Tensor) else leaf for leaf in self.leaves]
        return unflattened(leaves, self.structure)


def batch_of(arguments: Sequence[Any], named: Mapping[str, Any]) -> Batch:
    """Return the flattened arguments of a step."""
    leaves, structure = flattened((tuple(arguments), dict(named)))
    return Batch(tuple(leaves), structure)


def _leaf_key(leaf: Any) -> Hashable:
    if isinstance(leaf, torch.Tensor):
        return (tuple(leaf.shape), leaf.stride(), leaf.dtype, leaf.device)
    return (cast("type[object]", type(leaf)), leaf)
