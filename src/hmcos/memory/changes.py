"""Problems with one thing changed: external buffers, an alignment, or one size."""

from __future__ import annotations

from dataclasses import replace

from hmcos.alignment import round_up
from hmcos.memory.lifetimes import Life
from hmcos.memory.problem import Problem


def without_external(problem: Problem, external: frozenset[int] | None = None) -> Problem:
    """Return the problem in which some buffers take no memory, because the caller supplies it.

    `external` are their numbers; by default inputs and kept buffers. No operator overwrites them, and no
    output of theirs overwrites another buffer: the caller chose their place.
    """
    if external is None:
        external = frozenset(problem.inputs) | frozenset(problem.kept)
    sizes = tuple(0 if b in external else size for b, size in enumerate(problem.sizes))
    may_overwrite = tuple(
        tuple(b for b in allowed if b not in external) if any(sizes[b] for b in made) else ()
        for made, allowed in zip(problem.makes, problem.may_overwrite, strict=True)
    )
    return replace(problem, sizes=sizes, may_overwrite=may_overwrite)


def aligned(problem: Problem, alignment: int) -> Problem:
    """Return the problem with all sizes and scratch rounded up to an alignment in bytes."""
    if alignment == 1:
        return problem
    return replace(
        problem,
        sizes=tuple(round_up(size, alignment) for size in problem.sizes),
        scratch=tuple(round_up(size, alignment) for size in problem.scratch),
        floor=round_up(problem.floor, alignment),
    )


def resized(problem: Problem, life: Life, size: int) -> Problem:
    """Return the problem in which a buffer or the scratch of an operator has another size, in bytes."""
    if life.buffer is None:
        return replace(
            problem, scratch=tuple(size if op == life.operator else s for op, s in enumerate(problem.scratch))
        )
    sizes = tuple(size if b == life.buffer else s for b, s in enumerate(problem.sizes))
    # An output of zero bytes must not overwrite anything: that is a rule of every problem.
    allowed = tuple(
        over if any(sizes[b] for b in made) else ()
        for made, over in zip(problem.makes, problem.may_overwrite, strict=True)
    )
    return replace(problem, sizes=sizes, may_overwrite=allowed)
