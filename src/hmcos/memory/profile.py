"""THE definition of the peak: the memory of an order, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hmcos.errors import OptionError
from hmcos.memory.problem import Problem


@dataclass(frozen=True, slots=True)
class Profile:
    """Memory along one order, in bytes."""

    order: tuple[int, ...]
    start: int
    """Stable memory before the first step: the inputs, or the problem's floor if that is more."""
    running: tuple[int, ...]
    """Per step: bytes in use while its operator runs."""
    stable: tuple[int, ...]
    """Per step: bytes of the buffers that are live after it."""

    @property
    def peak(self) -> int:
        """The largest number of bytes in use at any moment."""
        return max(self.start, max(self.running, default=0))

    @property
    def peak_step(self) -> int:
        """The first step at which the peak is reached, -1 when that is before the first step."""
        peak = self.peak
        return -1 if self.start == peak else self.running.index(peak)


def profile(problem: Problem, order: Sequence[int]) -> Profile:
    """Return the memory of an order at every step (memory model, When it is counted).

    Raises:
        OptionError: the order misses or repeats an operator, or runs one before what it reads.
    """
    n = problem.operators
    if len(order) != n or set(order) != set(range(n)):
        raise OptionError(f"an order must list each of the {n} operators exactly once")
    sizes, held, scratch = problem.sizes, problem.held, problem.scratch
    unread = [len(readers) for readers in problem.readers]
    for b in held:
        unread[b] += 1
    exists = [source < 0 for source in problem.producer]
    live = sum(sizes[b] for b in problem.inputs)
    start = max(live, problem.floor)
    running: list[int] = []
    stable: list[int] = []
    for op in order:
        overwritable = problem.overwritable[op]
        freed, out = 0, problem.outputs[op]
        new = out
        for b in problem.reads[op]:
            if not exists[b]:
                raise OptionError(f"operator {op} ({problem.names[op]!r}) runs before what it reads is made")
            unread[b] -= 1
            if not unread[b]:
                freed += sizes[b]
                if b in overwritable:
                    new = 0
        for b in problem.makes[op]:
            exists[b] = True
        running.append(live + scratch[op] + new)
        live += out - problem.unread[op] - freed
        stable.append(live)
    return Profile(tuple(order), start, tuple(running), tuple(stable))


def peak(problem: Problem, order: Sequence[int]) -> int:
    """Return the peak of an order in bytes."""
    return profile(problem, order).peak
