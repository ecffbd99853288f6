"""The lives of buffers along an order, for the arena."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hmcos.memory.problem import Problem


@dataclass(frozen=True, slots=True)
class Life:
    """One rectangle of the arena: a size in bytes over the half-open interval of steps [birth, death)."""

    birth: int
    death: int
    size: int
    buffer: int | None
    """The buffer of the problem; None for the scratch of an operator."""
    operator: int | None = None
    """The operator whose scratch this is; None for a buffer."""
    takes_over: int | None = None
    """Index, in the same sequence of lives, of the life that this one overwrites in place, at its offset."""


def lifetimes(problem: Problem, order: Sequence[int]) -> tuple[Life, ...]:
    """Return the lives of all buffers and scratch of non-zero size: inputs first, then by step.

    Births and deaths are steps (memory model, Lives). The sizes of the lives at a step add up to the running
    memory of that step. An output that overwrites an input in place is born one step after its operator. If
    it dies right then, because nobody reads it or the network ends, its life is empty: birth = death.

    Args:
        problem: the problem that runs.
        order: an executable order of all its operators.
    """
    steps = max(len(order), 1)  # without operators, the inputs still live for one step
    at = {op: step for step, op in enumerate(order)}
    sizes, held = problem.sizes, problem.held
    death = [
        steps if b in held else max((at[op] + 1 for op in readers), default=0)
        for b, readers in enumerate(problem.readers)
    ]
    lives = [Life(0, death[b], sizes[b], b) for b in problem.inputs if sizes[b]]
    life_of = {life.buffer: index for index, life in enumerate(lives)}
    for step, op in enumerate(order):
        taken = _taken_over(problem, op, [b for b in problem.reads[op] if death[b] == step + 1])
        for b in problem.makes[op]:
            if sizes[b]:
                birth = step if taken is None else step + 1
                life_of[b] = len(lives)
                over = None if taken is None else life_of[taken]
                lives.append(Life(birth, max(death[b], step + 1), sizes[b], b, takes_over=over))
        if problem.scratch[op]:
            lives.append(Life(step, step + 1, problem.scratch[op], None, operator=op))
    return tuple(lives)


def live_at_peak(problem: Problem, peak_step: int, lives: Sequence[Life]) -> tuple[int, ...]:
    """Return the indices of the lives at the first moment of the peak, largest first.

    `peak_step` is -1 if that moment is before the first step, where only inputs are live.
    """
    moment = max(peak_step, 0)

    def is_live(life: Life) -> bool:
        is_input = life.buffer is not None and problem.producer[life.buffer] < 0
        return life.birth <= moment < life.death and (peak_step >= 0 or is_input)

    live = [i for i, life in enumerate(lives) if is_live(life)]
    return tuple(sorted(live, key=lambda i: (-lives[i].size, i)))


def _taken_over(problem: Problem, op: int, dying: list[int]) -> int | None:
    """Return the dying input that the operator's output overwrites in place, None if there is none.

    An input of equal size leaves no hole in the arena, so it is preferred; then the largest one, then the one
    with the lowest number.
    """
    output = problem.outputs[op]
    eligible = [b for b in dying if b in problem.overwritable[op]]
    sizes = problem.sizes
    return min(eligible, key=lambda b: (sizes[b] != output, -sizes[b], b), default=None)
