"""The whole arena of a model in TensorFlow Lite for Microcontrollers: what must be declared in firmware."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TwoArenas:
    """The least bytes of two separate arenas, multiples of 16, for firmware that has two memories."""

    non_persistent: int
    """Activations and scratch, and what is needed for a moment to plan them."""
    persistent: int
    """What lives from setup to the end."""


@dataclass(frozen=True, slots=True)
class WholeArena:
    """The parts of an arena, in bytes."""

    head: int
    """Activations and scratch; the peak and the bounds of a plan are about this."""
    tail: int
    """What lives from setup to the end: the runtime's tables, data of kernels, variables."""
    total: int
    """Head and tail: what the runtime says that it used."""
    declare: int
    """The least arena in which the runtime sets the model up, a multiple of 16. More than the total where the
    runtime needs more for a moment, to plan."""
    unknown: tuple[str, ...] = ()
    """Kinds of operators of which it is not known what they keep: tail, total and `declare` are too low."""
    apart: TwoArenas | None = field(default=None, compare=False)
    """The same in two arenas, always predicted, also beside figures that were measured; None where it is
    not known."""


@dataclass(frozen=True, slots=True)
class WholeArenas:
    """The whole arena of every form of a model, from the source to what was planned."""

    now: WholeArena
    """Of the source as it is."""
    order: WholeArena
    """Of the source in the best order, without offsets."""
    offsets: WholeArena | None
    """Of the source in the best order with the offsets of the arena; None if no offsets are written."""
    tiled: WholeArena | None
    """Of the tiled model; None if nothing was tiled."""
    measured: bool
    """Whether the runtime said so on this machine; otherwise predicted from the files."""
    kernels: str
    """The name of the kernels that the runtime is built with."""
    pointer_bytes: int
    """Bytes of a pointer where it runs."""
    tiled_for: str = ""
    """What a tiling was to lower, `peak` or `total`; empty if none was asked for."""
    for_peak: WholeArena | None = None
    """Of the tiling that has the least head; None if it is not known."""
    for_total: WholeArena | None = None
    """Of the tiling that needs the least in all, which may be more than without tiling; the same."""
    note: str = ""
    """Why it was not measured although the runtime is here, or not of the source as it is, in words."""
    kept: str = ""
    """Why the written model has the source's own order and offsets, which take less than the plan's; empty if
    it has those of the plan."""

    @property
    def forms(self) -> tuple[tuple[str, WholeArena], ...]:
        """The forms that there are, by the name of their field, in the order of the work."""
        named = (("now", self.now), ("order", self.order), ("offsets", self.offsets), ("tiled", self.tiled))
        return tuple((name, form) for name, form in named if form is not None)

    @property
    def planned(self) -> WholeArena:
        """The form that is written: the last one, unless the source's own offsets take less."""
        return self.now if self.kept else self.forms[-1][1]

    @property
    def unknown(self) -> tuple[str, ...]:
        """Kinds of operators in any form of which it is not known what they keep."""
        return tuple(sorted({kind for _, form in self.forms for kind in form.unknown}))
