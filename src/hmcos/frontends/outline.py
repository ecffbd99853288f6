"""What can be told about a model while some of its sizes are unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of a network."""

    name: str
    element: str
    """Element type in numpy's spelling; empty when it is not known."""
    shape: tuple[int | str, ...] | None
    """A symbol, or a question mark, where a size is not known; None when not even the rank is."""
    tensor: int | None = None
    """Its id; None while sizes are unknown, and in a problem."""

    @property
    def title(self) -> str:
        """What people call it: its name, or its id where it has none."""
        return self.name or ("" if self.tensor is None else f"tensor {self.tensor}")


@dataclass(frozen=True, slots=True)
class Outline:
    """A model without its sizes."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    kinds: Mapping[str, int]
    """Operator type to how many there are, most frequent first, then by name."""
    parameters: int
    """The number of weights and constants that stand in the model."""
    parameter_bytes: int
    symbols: tuple[str, ...]
    """Symbolic dimensions, in order of first appearance."""
