"""The request to the process that runs models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hmcos.frontends.feeding import Bytes
from hmcos.frontends.indices import Range
from hmcos.frontends.spans import Span
from hmcos.graph.graph import Graph
from hmcos.plan.plan import Plan


@dataclass(frozen=True, slots=True)
class FloatSource:
    """A source with float inputs or outputs, instead of which the result has quantized tensors."""

    graph: Graph
    """Its ids differ from those of the result's graph; tensors that both have, have the same names."""
    quantized: tuple[str, ...]
    """The tensors of the source that the result takes and makes."""
    spans: Mapping[int, Span]
    """Floats that fill the range of what they are quantized to, by input."""


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
    """Inputs of the source from the user, by tensor; the others are random."""
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
    floats: FloatSource | None = None
    """The source, where it has float inputs or outputs that the result does not have."""

    @property
    def source_graph(self) -> Graph:
        """The graph of the source, by the ids of which its inputs are known."""
        return self.graph if self.floats is None else self.floats.graph
