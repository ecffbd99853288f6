"""Lower bounds of every order's peak, from what must be live whatever the order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hmcos.memory.problem import Problem

Plane = int
"""One bit per operator."""


def operand_bound(problem: Problem) -> int:
    """Return bytes that no order's peak is below: what any one operator reads and makes, and the inputs.

    Never above `must_live_bound`, and much quicker; on inference networks often its equal.
    """
    sizes, inputs, held = problem.sizes, problem.inputs, problem.held
    operands = (
        problem.scratch[op]
        + (0 if problem.overwritable[op] else problem.outputs[op])
        + sum([sizes[b] for b in read])
        for op, read in enumerate(problem.reads)
    )
    return max(sum(sizes[b] for b in inputs), sum(sizes[b] for b in held), *operands)


def must_live_bound(problem: Problem) -> int:
    """Return bytes that no order's peak is below.

    The largest of memory before the first step, after the last one, and `must_live` of any operator.
    """
    sizes = problem.sizes
    start = sum(sizes[b] for b in problem.inputs)
    end = sum(sizes[b] for b in problem.held)
    return max(start, end, *must_live(problem))


def must_live(problem: Problem) -> tuple[int, ...]:
    """Return, per operator, bytes that are in use while it runs, whatever the order.

    A buffer has to be live then if its producer is among the operator's ancestors (or it is an input)
    and a reader is the operator or among its descendants (or nobody frees it). The operator's own
    outputs count unless it could overwrite an input.
    """
    after = _descendants(problem)
    planes: list[Plane] = []
    for size, mask in _merged(_must_live_at(problem, after)):
        _add(planes, size, mask)
    overwrites = _Overwrites(problem)
    return tuple(
        live + problem.scratch[op] + (0 if overwrites.possible(op, after[op]) else problem.outputs[op])
        for op, live in enumerate(_columns(planes, problem.operators))
    )


def _descendants(problem: Problem) -> list[Plane]:
    """Return per operator the bit set of those that must run after it; n*n/8 bytes at most."""
    after = [0] * problem.operators
    for op in reversed(range(problem.operators)):
        below = 0
        for s in problem.successors[op]:
            below |= after[s] | 1 << s
        after[op] = below
    return after


def _must_live_at(problem: Problem, after: list[Plane]) -> Iterator[tuple[int, Plane]]:
    """Yield, per buffer, its size and the bit set of the operators during which it must be live."""
    everywhere = (1 << problem.operators) - 1
    producer, readers, sizes = problem.producer, problem.readers, problem.sizes
    for b in problem.held:
        yield sizes[b], everywhere if producer[b] < 0 else after[producer[b]]
    needed = [0] * len(sizes)  # per buffer: its readers so far, and their ancestors
    for op, upto in enumerate(_with_ancestors(problem)):
        for b in problem.reads[op]:
            if b in problem.held or not sizes[b]:
                continue
            needed[b] |= upto
            if readers[b][-1] == op:
                yield sizes[b], needed[b] if producer[b] < 0 else needed[b] & after[producer[b]]
                needed[b] = 0


def _with_ancestors(problem: Problem) -> Iterator[Plane]:
    """Yield per operator the bit set of itself and all that must run before it.

    A set is dropped after its last successor, so that a chain of 20,000 operators holds two of them.
    """
    before: dict[int, Plane] = {}
    for op, predecessors in enumerate(problem.predecessors):
        upto = 1 << op
        for p in predecessors:
            upto |= before[p]
            if problem.successors[p][-1] == op:
                del before[p]
        if problem.successors[op]:
            before[op] = upto
        yield upto


def _merged(found: Iterable[tuple[int, Plane]]) -> Iterator[tuple[int, Plane]]:
    """Yield the same sums in fewer terms: neighbours of equal size in disjoint places become one."""
    pending: dict[int, Plane] = {}
    for size, mask in found:
        other = pending.get(size, 0)
        if other & mask:
            yield size, other
            other = 0
        pending[size] = other | mask
    yield from pending.items()


def _add(planes: list[Plane], size: int, mask: Plane) -> None:
    """Add a size to the sums of all operators in the mask at once.

    The sums are kept bit-sliced: plane k holds bit k of every operator's sum, and a carry is a mask.
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
    """Return every operator's sum from the bit-sliced ones."""
    if not planes or not operators:
        return [0] * operators
    rows = [format(plane, f"0{operators}b") for plane in reversed(planes)]
    return [int("".join(bits), 2) for bits in zip(*rows, strict=True)][::-1]


class _Overwrites:
    """Which operators may find an input that nobody needs any more."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._read_by: dict[int, Plane] = {}
        """Buffer to the set of its readers: one that thousands read is asked for by each of them."""

    def possible(self, op: int, after: Plane) -> bool:
        """Return whether some input can be dead after the operator: none of its readers must follow it."""
        return any(not after & self._readers(b) for b in self._problem.overwritable[op])

    def _readers(self, b: int) -> Plane:
        if b not in self._read_by:
            self._read_by[b] = sum(1 << reader for reader in self._problem.readers[b])
        return self._read_by[b]
