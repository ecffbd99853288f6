"""A network together with its plan."""

from __future__ import annotations

from dataclasses import dataclass

from hmcos.memory.lifetimes import Life
from hmcos.network.lowering import Network
from hmcos.network.opening import Opened
from hmcos.plan.plan import Plan


@dataclass(frozen=True, slots=True)
class Solved:
    """A plan with its network: everything needed to save, explain or draw the plan."""

    opened: Opened
    network: Network
    plan: Plan
    lives: tuple[Life, ...]
    """All that takes memory, along the order of the plan, in the order of the arena's offsets."""
