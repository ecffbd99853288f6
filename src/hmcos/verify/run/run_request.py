"""The request to the process that runs models."""

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
    """The models to run, their inputs and the limits."""

    source: Path
    """The source file."""
    numbered: Path
    """The source with its local functions inlined; graph and plan number its nodes."""
    result: Path
    """The written model, in the order to check."""
    graph: Graph
    plan: Plan | None
    """The plan whose arena to run in; None to compare only source and result."""
    known: Mapping[int, Range]
    """The ranges of parameters, for drawing indices that are computed with them."""
    inputs: Mapping[int, Bytes]
    """Inputs from the user, by tensor; the others are random."""
    runs: int
    seed: int
    memory: int
    """Bytes of address space that the process may take."""
    seconds: int
    """Seconds of processor time that it may take."""
    common: tuple[str, ...] = ()
    """Inner tensors that source and result both have, where the result is a changed source; to compare."""
    is_exact: bool = True
    """Whether source and result must have the same bits; else float numbers may be rounded differently."""
