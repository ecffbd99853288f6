"""What a runtime keeps for good for every operator.

It is of no account to an order, but each operator that a rewrite adds takes it once more.
"""

from __future__ import annotations

from dataclasses import dataclass

from hmcos.graph.rewrite import ConcatStep, OperatorStep, PadStep, Step


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Bytes that a runtime keeps, from the start to the end, for an operator and for what it makes."""

    operators: tuple[int, ...] = ()
    """Per operator of the source, whole or on a tile: what is kept does not depend on rows and columns."""
    cut: int = 0
    """For an operator that cuts, with the constants that say where."""
    pad: int = 0
    join: int = 0
    """For an operator that puts parts together."""

    def of(self, step: Step) -> int:
        """Return the bytes for a step of a rewrite."""
        if isinstance(step, OperatorStep):
            return self.of_source(step.number)
        if isinstance(step, PadStep):
            return self.pad
        return self.join if isinstance(step, ConcatStep) else self.cut

    def of_source(self, number: int) -> int:
        """Return the bytes for an operator of the source."""
        return self.operators[number] if self.operators else 0


NONE = Upkeep()
"""Of runtimes of which nobody asks."""
