"""The arena of a plan as a C header."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from hmcos.allocation.files.c_header import c_header
from hmcos.allocation.files.memories_header import memories_header
from hmcos.allocation.lives import Lives
from hmcos.errors import OptionError
from hmcos.memory.lifetimes import Life
from hmcos.plan.arena import PlacedBuffer
from hmcos.plan.plan import Plan, TargetUsed
from hmcos.plan.whole_arena import WholeArenas

EMITTED = ("c",)
"""Forms in which an arena can be written."""


def check_emit(emit: str | None, possible: bool) -> None:
    """Check that the requested form of the arena can be written; None requests none.

    Raises:
        OptionError: the form is unknown, or there is no output folder or no arena.
    """
    if emit is None:
        return
    if emit not in EMITTED:
        raise OptionError(f"an arena cannot be written as {emit!r}; there are {', '.join(EMITTED)}")
    if not possible:
        raise OptionError("--emit needs an output folder (-o DIR) and an arena (with --budget: --allocator)")


def header_text(plan: Plan, stem: str) -> str:
    """Return a C header with a place for every tensor of a plan, in its arena or memories, and for scratch.

    All macros begin with the stem as an identifier. The tensors of one buffer share its offset. A tensor
    without a name is called `tensor ID`; if several have the same name, each is followed by its id.
    """
    listed = Counter(name for buffer in plan.buffers for name in buffer.names)
    named = [(name, buffer) for buffer in plan.buffers for name in _tensor_names(buffer, listed)]
    names = [name for name, _ in named]
    made_of = _of_kernels(plan.target) + _known(plan.tflm)
    if plan.memories is not None:
        places = [(buffer.memory or 0, buffer.offset, buffer.size) for _, buffer in named]
        return _of_kernels(plan.target) + memories_header(
            names, places, plan.memories.placement, identifier(stem)
        )
    assert plan.arena is not None, "checked when it was asked for"
    lives = tuple(Life(b.birth, b.death, b.size, None, b.operator) for _, b in named)
    arena = replace(plan.arena, offsets=tuple(buffer.offset for _, buffer in named))
    whole = None if plan.tflm is None else plan.tflm.planned.declare
    return made_of + c_header(names, Lives(lives, arena.alignment), arena, identifier(stem), whole)


def _of_kernels(target: TargetUsed) -> str:
    """Return a comment that says whose scratch is in an arena; empty where nobody's is."""
    if not target.kernels:
        return ""
    plain = re.sub(r"[^\w:.-]", "_", target.kernels, flags=re.ASCII)
    unknown = (
        f", without that of {len(target.unknown_scratch)} unknown ones" if target.unknown_scratch else ""
    )
    return f"/* With the scratch of the kernels {plain}{unknown}. */\n"


def _known(arenas: WholeArenas | None) -> str:
    """Return a comment that says how it is known what the runtime needs in all, if it is."""
    if arenas is None:
        return ""
    how = "as tflite-micro says" if arenas.measured else "predicted"
    more = (
        f", and more for {len(arenas.unknown)} kinds of operators that are unknown" if arenas.unknown else ""
    )
    kept = (
        "/* The model file stays as it was, which takes less than the offsets below. */\n"
        if arenas.kept
        else ""
    )
    size = f"/* The size of tensor_arena: {how}, for pointers of {arenas.pointer_bytes} bytes{more}. */\n"
    return kept + size


def _tensor_names(buffer: PlacedBuffer, listed: Mapping[str, int]) -> list[str]:
    """Return a name per tensor in a buffer; `listed` maps a name to the number of tensors that have it."""
    if not any(buffer.names):  # scratch, in a problem, or a tensor without a name
        return [buffer.name, *(f"tensor {t}" for t in buffer.tensors[1:])]
    named = zip(buffer.tensors, buffer.names, strict=True)
    return [(name if listed[name] == 1 else f"{name} {t}") if name else f"tensor {t}" for t, name in named]


def identifier(stem: str) -> str:
    """Return the stem of a file as a C identifier that begins with a letter."""
    plain = re.sub(r"[\W_]+", "_", stem, flags=re.ASCII).strip("_")
    return plain if re.match(r"[A-Za-z]", plain) else f"net_{plain}".rstrip("_")
