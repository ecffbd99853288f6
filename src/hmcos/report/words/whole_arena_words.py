"""What must be declared for TensorFlow Lite for Microcontrollers (TFLM), in lines."""

from __future__ import annotations

from collections.abc import Iterator

from hmcos.plan.whole_arena import WholeArenas
from hmcos.words import printable

_FIRMWARE = 4
"""Bytes of a pointer in firmware for 32-bit microcontrollers."""


def whole_arena_lines(arenas: WholeArenas) -> list[str]:
    """Return what must be declared, and how that is known."""
    lines = [f"tensor_arena[{arenas.planned.declare}]", f"  {_known(arenas)}, aligned to 16 bytes"]
    lines += _apart(arenas)
    least = min(form.declare for name, form in arenas.forms if name != "tiled")
    if arenas.kept:
        lines.append(f"  the source is written as it is: {printable(arenas.kept)}")
    elif arenas.planned.declare > least and arenas.tiled is not None:
        lines.append(
            f"  tiling lowers the head, but not this: without --tile, tensor_arena[{least}] is enough;"
            " --tile-for total tiles for the least of this"
        )
    elif arenas.planned.declare > arenas.now.declare == least:
        lines.append(f"  the model as it is needs less: tensor_arena[{least}]")
    lines += _goal(arenas)
    if arenas.unknown:
        kinds = printable(", ".join(arenas.unknown))
        lines.append(f"unknown kernels, so it is more: {kinds}")
    if arenas.note:
        lines.append(printable(arenas.note))
    return lines


def _apart(arenas: WholeArenas) -> list[str]:
    """Return a line about two separate arenas, where that is known."""
    apart = arenas.planned.apart
    if apart is None:
        return []
    sizes = f"non_persistent_arena[{apart.non_persistent}] and persistent_arena[{apart.persistent}]"
    return [f"  in two arenas, predicted: {sizes}"]


def _goal(arenas: WholeArenas) -> Iterator[str]:
    """Yield what was tiled for, and what a tiling for the peak gives instead of one for the total."""
    if not arenas.tiled_for or arenas.tiled is None:
        return
    yield f"  tiled for the {arenas.tiled_for}"
    lowest = arenas.for_peak
    if arenas.tiled_for == "total" and lowest is not None and lowest.head < arenas.tiled.head:
        yield f"  tiled for the peak: a head of {lowest.head:,} or less, and tensor_arena[{lowest.declare}]"


def _known(arenas: WholeArenas) -> str:
    if arenas.measured:
        return "measured: the least in which tflite-micro runs it here; pointers have 8 bytes"
    place = "a 32-bit microcontroller" if arenas.pointer_bytes == _FIRMWARE else "pointers of 8 bytes"
    return f"predicted for {place} and {arenas.kernels} kernels"
