"""The outline of a model: what is known while some of its sizes are unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of a network."""

    name: str
    element: str
    """Element type in numpy's spelling; empty if unknown."""
    shape: tuple[int | str, ...] | None
    """Per dimension its size, or a symbol or question mark if unknown; None if the rank is unknown."""
    tensor: int | None = None
    """Id of the tensor; None while sizes are unknown, and in a problem."""

    @property
    def title(self) -> str:
        """The name for people: that of the tensor, or `tensor ID` if it has none."""
        return self.name or ("" if self.tensor is None else f"tensor {self.tensor}")


@dataclass(frozen=True, slots=True)
class Outline:
    """A model without its sizes."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    kinds: Mapping[str, int]
    """Operator type to how many there are, most frequent first, then by name."""
    parameters: int
    """The number of weights and constants in the model."""
    parameter_bytes: int
    symbols: tuple[str, ...]
    """Symbolic dimensions, in order of first appearance."""
    bound: frozenset[str] = frozenset()
    """Those of them that have a size, given or by default."""
