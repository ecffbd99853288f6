"""The arena of a plan as a C header."""

from __future__ import annotations

import re
from dataclasses import replace

from hmcos.allocation.c_header import c_header
from hmcos.allocation.problem import Lives
from hmcos.errors import OptionError
from hmcos.memory.lifetimes import Life
from hmcos.plan.plan import Plan

EMITTED = ("c",)
"""What an arena can be written as."""


def check_emit(emit: str | None, possible: bool) -> None:
    """Do nothing if this can be written, or nothing is asked for.

    Raises:
        OptionError: there is no such form, or there is no folder or no arena to write.
    """
    if emit is None:
        return
    if emit not in EMITTED:
        raise OptionError(f"an arena cannot be written as {emit!r}; there are {', '.join(EMITTED)}")
    if not possible:
        raise OptionError("--emit needs an output folder (-o DIR) and an arena (with --budget: --allocator)")


def header_text(plan: Plan, stem: str) -> str:
    """Return a C header with an offset for every tensor in the arena of a plan, and for scratch.

    All macros begin with the stem as an identifier. The tensors of one buffer have one offset.
    """
    assert plan.arena is not None
    names: list[str] = []
    lives: list[Life] = []
    offsets: list[int] = []
    for buffer in plan.buffers:
        for name in buffer.tensors or (buffer.name,):
            names.append(name)
            lives.append(Life(buffer.birth, buffer.death, buffer.size, None, buffer.operator))
            offsets.append(buffer.offset)
    arena = replace(plan.arena, offsets=tuple(offsets))
    return c_header(names, Lives(tuple(lives), arena.alignment), arena, identifier(stem))


def identifier(stem: str) -> str:
    """Return the stem of a file as a C identifier that begins with a letter."""
    plain = re.sub(r"[\W_]+", "_", stem, flags=re.ASCII).strip("_")
    return plain if re.match(r"[A-Za-z]", plain) else f"net_{plain}".rstrip("_")
