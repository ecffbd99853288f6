"""Inputs and outputs whose memory the caller supplies."""

from __future__ import annotations

from dataclasses import replace

from hmcos.memory.problem import Problem


def without_external(problem: Problem) -> Problem:
    """Return the problem in which inputs and kept buffers take no memory, because the caller supplies it.

    Nothing is written over them in place, nor are they written over anything: their place is the caller's.
    """
    external = frozenset(problem.inputs) | frozenset(problem.kept)
    sizes = tuple(0 if b in external else size for b, size in enumerate(problem.sizes))
    may_overwrite = tuple(
        tuple(b for b in allowed if b not in external) if any(sizes[b] for b in made) else ()
        for made, allowed in zip(problem.makes, problem.may_overwrite, strict=True)
    )
    return replace(problem, sizes=sizes, may_overwrite=may_overwrite)
