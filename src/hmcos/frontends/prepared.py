"""The model that a tiling begins with: its source, but for what tiling has to know."""

from __future__ import annotations

from dataclasses import dataclass

from hmcos.frontends.model import Model


@dataclass(frozen=True, slots=True)
class Prepared:
    """A model that computes the bits of its source; the source itself where nothing had to change."""

    model: Model
    kept: tuple[int, ...]
    """Per operator of the model: its number in the source."""

    @property
    def numbers(self) -> dict[int, int]:
        """Number in the source to number in the model."""
        return {number: i for i, number in enumerate(self.kept)}


def unchanged(model: Model) -> Prepared:
    """Return a model as it is."""
    return Prepared(model, tuple(range(len(model.graph.operators))))
