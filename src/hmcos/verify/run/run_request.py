"""What the process that runs models is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hmcos.frontends.feeding import Bytes
from hmcos.frontends.indices import Range
from hmcos.graph.graph import Graph
from hmcos.plan.plan import Plan


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What to run."""

    source: Path
    """The model as it was given."""
    numbered: Path
    """The same with its local functions inlined: graph and plan number its nodes."""
    result: Path
    """The same in the order to check."""
    graph: Graph
    plan: Plan | None
    """With an arena, to run in it; None to compare source and result only."""
    known: Mapping[int, Range]
    """The ranges of parameters, for drawing indices that are computed with them."""
    inputs: Mapping[int, Bytes]
    """The user's own inputs by tensor; the others are drawn at random."""
    runs: int
    seed: int
    memory: int
    """Bytes of address space that the process may take."""
    seconds: int
    """Seconds of processor time that it may take."""
