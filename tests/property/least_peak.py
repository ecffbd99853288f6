"""The least peak of problems that are too large for the plain oracle; some 14 operators take milliseconds."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush

from hmcos.memory.problem import Problem


def least_peak(problem: Problem) -> int:
    """The least peak of all orders: always the prefix that needs least is extended, by every operator.

    Prefixes are bit sets of operators. `test_order_laws.py` holds it to the oracle.
    """
    everything = (1 << len(problem.names)) - 1
    counted = _Counted(problem)
    waiting = [(max(counted.stable(0), problem.floor), 0, 0)]
    extended: set[int] = set()
    while waiting:
        need, _, done = heappop(waiting)
        if done == everything:
            return need
        if done in extended:
            continue
        extended.add(done)
        live = counted.stable(done)
        for op in range(len(problem.names)):
            after = done | 1 << op
            if counted.is_ready(op, done) and after not in extended:
                heappush(waiting, (max(need, live + counted.beyond(op, done)), -after.bit_count(), after))
    raise AssertionError("no order runs all operators")


class _Counted:
    """What prefixes of a problem's orders cost, in bytes."""

    def __init__(self, problem: Problem) -> None:
        buffers = range(len(problem.sizes))
        self.problem = problem
        self.made_by = [_bits(op for op, made in enumerate(problem.makes) if b in made) for b in buffers]
        self.read_by = [_bits(op for op, read in enumerate(problem.reads) if b in read) for b in buffers]
        self.stays = [b in problem.kept or (b in problem.inputs and not self.read_by[b]) for b in buffers]
        self.gates = [_bits(_ops(self.made_by[b] for b in read)) for read in problem.reads]
        self.made = [sum(problem.sizes[b] for b in made) for made in problem.makes]

    def is_ready(self, op: int, done: int) -> bool:
        return not done >> op & 1 and not self.gates[op] & ~done

    def stable(self, done: int) -> int:
        return sum(
            size
            for size, maker, readers, stays in zip(
                self.problem.sizes, self.made_by, self.read_by, self.stays, strict=True
            )
            if not maker & ~done and (stays or readers & ~done)
        )

    def beyond(self, op: int, done: int) -> int:
        """Bytes beyond the stable memory while an operator runs after these."""
        for b in self.problem.may_overwrite[op]:
            last = self.read_by[b] & ~done == 1 << op
            if last and not self.stays[b] and self.problem.sizes[b] >= self.made[op]:
                return self.problem.scratch[op]
        return self.problem.scratch[op] + self.made[op]


def _bits(members: Iterable[int]) -> int:
    return sum(1 << member for member in members)


def _ops(masks: Iterable[int]) -> set[int]:
    return {mask.bit_length() - 1 for mask in masks if mask}
