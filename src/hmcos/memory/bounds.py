"""Lower bounds on the peak of every order, from what must be live whatever the order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from hmcos.memory.precedence import descendants, with_ancestors
from hmcos.memory.problem import Problem

Plane = int
"""A bit set of operators."""


def operand_bound(problem: Problem) -> int:
    """Return a lower bound on the peak in bytes, from each operator's own reads, outputs and scratch.

    The inputs before the first step, the kept buffers after the last one, and the floor count too. This bound
    is never above `must_live_bound` and much quicker to compute; on inference networks both are often equal.
    """
    sizes, inputs, held = problem.sizes, problem.inputs, problem.held
    operands = (
        problem.scratch[op]
        + (0 if problem.overwritable[op] else problem.outputs[op])
        + sum([sizes[b] for b in read])
        for op, read in enumerate(problem.reads)
    )
    return max(problem.floor, sum(sizes[b] for b in inputs), sum(sizes[b] for b in held), *operands)


def must_live_bound(problem: Problem) -> int:
    """Return a lower bound on the peak in bytes: the must-live bound.

    It is the largest of the floor, the memory before the first step, the memory after the last one, and
    `must_live` of each operator.
    """
    sizes = problem.sizes
    start = sum(sizes[b] for b in problem.inputs)
    end = sum(sizes[b] for b in problem.held)
    return max(problem.floor, start, end, *must_live(problem))


def must_live(problem: Problem) -> tuple[int, ...]:
    """Return, per operator, the bytes that are in use while it runs, whatever the order.

    A buffer must be live while an operator runs if both hold:

    * it exists by then: it is an input of the problem, or an ancestor of the operator makes it;
    * it is still needed: the operator or one of its descendants reads it, or nobody ever frees it.

    The operator's outputs count as well, unless it could write them over an input.
    """
    after = descendants(problem.successors)
    planes: list[Plane] = []
    for size, mask in _merged(_must_live_at(problem, after)):
        _add(planes, size, mask)
    overwrites = _Overwrites(problem)
    return tuple(
        live + problem.scratch[op] + (0 if overwrites.possible(op, after[op]) else problem.outputs[op])
        for op, live in enumerate(_columns(planes, problem.operators))
    )


def must_live_buffers(problem: Problem, op: int) -> tuple[int, ...]:
    """Return the buffers that are live while one operator runs, whatever the order, largest first.

    `must_live` says when a buffer is one of them; buffers of zero bytes are left out. Their bytes, the
    operator's outputs (unless written in place) and its scratch add up to `must_live` of the operator.
    """
    before = _reachable(problem.predecessors, op)
    after = _reachable(problem.successors, op) | {op}
    live = [
        b
        for b, maker in enumerate(problem.producer)
        if problem.sizes[b]
        and (maker < 0 or maker in before)
        and (b in problem.held or not after.isdisjoint(problem.readers[b]))
    ]
    return tuple(sorted(live, key=lambda b: (-problem.sizes[b], b)))


def _reachable(neighbours: Sequence[Sequence[int]], op: int) -> set[int]:
    """Return all operators that can be reached from one, itself left out."""
    reached: set[int] = set()
    waiting = list(neighbours[op])
    while waiting:
        one = waiting.pop()
        if one not in reached:
            reached.add(one)
            waiting += neighbours[one]
    return reached


def _must_live_at(problem: Problem, after: list[Plane]) -> Iterator[tuple[int, Plane]]:
    """Yield, per buffer, its size and the bit set of the operators during which it must be live."""
    everywhere = (1 << problem.operators) - 1
    producer, readers, sizes = problem.producer, problem.readers, problem.sizes
    for b in problem.held:
        yield sizes[b], everywhere if producer[b] < 0 else after[producer[b]]
    needed = [0] * len(sizes)  # per buffer: its readers so far, and their ancestors
    for op, upto in enumerate(with_ancestors(problem)):
        for b in problem.reads[op]:
            if b in problem.held or not sizes[b]:
                continue
            needed[b] |= upto
            if readers[b][-1] == op:
                yield sizes[b], needed[b] if producer[b] < 0 else needed[b] & after[producer[b]]
                needed[b] = 0


def _merged(terms: Iterable[tuple[int, Plane]]) -> Iterator[tuple[int, Plane]]:
    """Yield fewer (size, operators) terms with the same sum at each operator.

    Terms of equal size are merged for as long as no operator is in two of them.
    """
    pending: dict[int, Plane] = {}
    for size, mask in terms:
        other = pending.get(size, 0)
        if other & mask:
            yield size, other
            other = 0
        pending[size] = other | mask
    yield from pending.items()


def _add(planes: list[Plane], size: int, mask: Plane) -> None:
    """Add a size to the sums of all operators in the mask at once.

    The sums are bit-sliced: plane k holds bit k of every operator's sum, so a carry is a mask of operators.
    """
    for k in range(size.bit_length()):
        if size >> k & 1:
            carry, place = mask, k
            while carry:
                while place >= len(planes):
                    planes.append(0)
                planes[place], carry = planes[place] ^ carry, planes[place] & carry
                place += 1


def _columns(planes: list[Plane], operators: int) -> list[int]:
    """Return the sum of each operator, read off the bit-sliced sums."""
    if not planes or not operators:
        return [0] * operators
    rows = [format(plane, f"0{operators}b") for plane in reversed(planes)]
    return [int("".join(bits), 2) for bits in zip(*rows, strict=True)][::-1]


class _Overwrites:
    """Tells which operators could write their output over an input, in some order."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._read_by: dict[int, Plane] = {}
        """Buffer to the bit set of its readers, cached: each reader asks for it, perhaps thousands do."""

    def possible(self, op: int, after: Plane) -> bool:
        """Return whether some overwritable input can die here: none of its readers must run after `op`."""
        return any(not after & self._readers(b) for b in self._problem.overwritable[op])

    def _readers(self, b: int) -> Plane:
        if b not in self._read_by:
            self._read_by[b] = sum(1 << reader for reader in self._problem.readers[b])
        return self._read_by[b]
