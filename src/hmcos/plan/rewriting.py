"""How the network of a plan differs from its source, and what that bought."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

VERSION = 1
"""Of the rules by which regions become operators: a plan of other rules cannot be made again."""


@dataclass(frozen=True, slots=True)
class RegionRow:
    """A region of the source that runs in pieces."""

    begin: int
    """Position of its first operator in the order of the rewriting."""
    end: int
    """Position behind its last operator."""
    rows: int
    columns: int
    early: int | None
    """The piece from which on all cuts of what enters are made at once; None for never."""


@dataclass(frozen=True, slots=True)
class Rewriting:
    """A network changed: the plan's operators are those of the written graph, not those of the source."""

    order: tuple[int, ...]
    """Operators of the source that are scheduled and not gone, by number, along which the regions are."""
    regions: tuple[RegionRow, ...]
    sha256: str
    """Of the written model before its operators were put into the plan's order."""
    peak_before: int
    """Bytes: of the source in its own order."""
    peak_best_order: int
    """Bytes: of the source in the best order found."""
    macs: int
    """Multiplications and additions of the source."""
    extra_macs: int
    """Those that are computed once more; negative where pieces leave out what nobody needs."""
    operators_before: int
    """Nodes of the source."""
    bytes_before: int
    """Size of the file of the source, data files left out."""
    bytes_after: int
    """Size of the file of the changed model, before offsets are written into it."""
    new_kinds: tuple[str, ...]
    """Kinds of operators that the source does not have."""
    folds: tuple[int, ...] = ()
    """Operators of the source that are gone, by number: what they make is known, or their readers make it."""
    fixed: Mapping[str, int] = field(default_factory=dict[str, int])
    """Symbols of the source that were bound and that the written model does not have any more."""
    stripped: tuple[int, ...] = ()
    """Operators of the source that quantized a float input or made a float output: without them, quantized
    tensors go in and out."""
    is_exact: bool = True
    """Whether the outputs have the bits of the source; where not, rounding was allowed to differ."""
    version: int = VERSION

    @property
    def extra(self) -> float:
        """What is computed once more, as a part of what the source computes."""
        return self.extra_macs / self.macs if self.macs else 0.0
