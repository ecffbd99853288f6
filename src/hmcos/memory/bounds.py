"""Lower bounds on the peak of every order, from what must be live whatever the order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from hmcos.memory.problem import Problem
from hmcos.memory.sections import Section, sections

Plane = int
"""A bit set of the operators of a section; bit 0 is its first one."""
LARGEST_SECTION = 100_000
"""Most operators between two forced states of which bit sets are made: they take up to 600 MB for so many.
In a larger section, an operator counts with what it reads and makes."""


def operand_bound(problem: Problem) -> int:
    """Return a lower bound on the peak in bytes, from each operator's own reads, outputs and scratch.

    The inputs before the first step, the kept buffers after the last one, and the floor count too. This bound
    is never above `must_live_bound` and much quicker to compute; on inference networks both are often equal.
    """
    sizes, inputs, held = problem.sizes, problem.inputs, problem.held
    operands = (_operands(problem, op) for op in range(problem.operators))
    return max(problem.floor, sum(sizes[b] for b in inputs), sum(sizes[b] for b in held), *operands)


def _operands(problem: Problem, op: int) -> int:
    made = 0 if problem.overwritable[op] else problem.outputs[op]
    return problem.scratch[op] + made + sum([problem.sizes[b] for b in problem.reads[op]])


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

    The operator's outputs count as well, unless it could write them over an input. What is before a section
    between two forced states is an ancestor of all in it, so that each section is looked at by itself.
    """
    needs: list[int] = []
    for section in sections(problem):
        needs += _needs(problem, section)
    return tuple(needs)


def _needs(problem: Problem, section: Section) -> Iterator[int]:
    """Yield the bytes that are in use while each operator of a section runs, whatever the order."""
    if len(section.operators) > LARGEST_SECTION:
        yield from (_operands(problem, op) for op in section.operators)
        return
    after = section.descendants(problem)
    planes: list[Plane] = []
    for size, mask in _merged(_must_live_at(problem, section, after)):
        _add(planes, size, mask)
    overwrites = _Overwrites(problem, section)
    live = _columns(planes, len(section.operators))
    for k, op in enumerate(section.operators):
        made = 0 if overwrites.possible(op, after[k]) else problem.outputs[op]
        yield section.through + live[k] + problem.scratch[op] + made


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


def _must_live_at(problem: Problem, section: Section, after: list[Plane]) -> Iterator[tuple[int, Plane]]:
    """Yield sizes of buffers, and the bit sets of the operators during which each must be live.

    Only buffers that a section reads or makes, and that are not live throughout it.
    """
    producer, readers, sizes = problem.producer, problem.readers, problem.sizes
    start, stop = section.operators.start, section.operators.stop
    for op in section.operators:
        for b in problem.makes[op]:
            if sizes[b] and (b in problem.held or (readers[b] and readers[b][-1] >= stop)):
                yield sizes[b], after[op - start]
    needed: dict[int, Plane] = {}  # per buffer: its readers so far, and their ancestors
    for op, upto in zip(section.operators, section.with_ancestors(problem), strict=True):
        for b in problem.reads[op]:
            if b in problem.held or not sizes[b] or readers[b][-1] >= stop:
                continue
            needed[b] = needed.get(b, 0) | upto
            if readers[b][-1] == op:
                mask = needed.pop(b)
                yield sizes[b], mask if producer[b] < start else mask & after[producer[b] - start]


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
    """Tells which operators of a section could write their output over an input, in some order."""

    def __init__(self, problem: Problem, section: Section) -> None:
        self._problem, self._section = problem, section.operators
        self._read_by: dict[int, Plane] = {}
        """Buffer to the bit set of its readers, cached: each reader asks for it, perhaps thousands do."""

    def possible(self, op: int, after: Plane) -> bool:
        """Return whether some overwritable input can die here: none of its readers must run after `op`."""
        for b in self._problem.overwritable[op]:
            if self._problem.readers[b][-1] < self._section.stop and not after & self._readers(b):
                return True
        return False

    def _readers(self, b: int) -> Plane:
        if b not in self._read_by:
            start = self._section.start
            self._read_by[b] = sum(
                1 << reader - start for reader in self._problem.readers[b] if reader >= start
            )
        return self._read_by[b]
