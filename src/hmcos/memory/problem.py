"""A network as numbers: the only view of it that search code has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from hmcos.errors import InstanceError
from hmcos.words import human, shown

LARGEST = 2**63
"""Each buffer is smaller than this many bytes; scratch may be larger, since it may be a sum of sizes."""


@dataclass(frozen=True)
class Problem:
    """Sizes, reads, outputs and possible overwrites of a network; checked when made, frozen, picklable.

    Operators are numbered 0..n-1 and buffers 0..b-1; the given order 0, 1, ..., n-1 is executable. Buffers
    are the only precedence constraints: an operator runs after the producers of the buffers that it reads.

    Raises:
        InstanceError: a rule of the interchange format is broken; names operator and buffer.
    """

    names: tuple[str, ...]
    """One per operator; may be empty or repeated."""
    sizes: tuple[int, ...]
    """Bytes per buffer."""
    inputs: tuple[int, ...]
    """Buffers that are live from the start."""
    kept: tuple[int, ...]
    """Buffers that are live to the end."""
    reads: tuple[tuple[int, ...], ...]
    """Per operator: the buffers that it reads, each once."""
    makes: tuple[tuple[int, ...], ...]
    """Per operator: the buffers that it makes, each once."""
    may_overwrite: tuple[tuple[int, ...], ...]
    """Per operator: the buffers among its reads that its only non-empty output may overwrite in place."""
    scratch: tuple[int, ...]
    """Per operator: bytes in use only while it runs."""
    buffer_names: tuple[str, ...] = ()
    """One per buffer, or none at all; for people only, so they may be empty or repeated."""
    floor: int = 0
    """Bytes that the memory has at least, whatever runs: for what no operator uses but the runtime keeps."""

    def __post_init__(self) -> None:
        _check(self)

    def __repr__(self) -> str:
        in_all = human(sum(self.sizes))
        return f"<Problem: {self.operators:,} operators, {len(self.sizes):,} buffers of {in_all} in all>"

    @property
    def operators(self) -> int:
        """The number of operators."""
        return len(self.names)

    @cached_property
    def producer(self) -> tuple[int, ...]:
        """Per buffer: the operator that makes it, -1 for an input."""
        producer = [-1] * len(self.sizes)
        for op, made in enumerate(self.makes):
            for b in made:
                producer[b] = op
        return tuple(producer)

    @cached_property
    def readers(self) -> tuple[tuple[int, ...], ...]:
        """Per buffer: the operators that read it, ascending."""
        readers: list[list[int]] = [[] for _ in self.sizes]
        for op, read in enumerate(self.reads):
            for b in read:
                readers[b].append(op)
        return tuple(map(tuple, readers))

    @cached_property
    def held(self) -> frozenset[int]:
        """Buffers that nobody frees: the kept ones, and inputs that nobody reads."""
        return frozenset(self.kept) | {b for b in self.inputs if not self.readers[b]}

    @cached_property
    def predecessors(self) -> tuple[tuple[int, ...], ...]:
        """Per operator: the operators whose buffers it reads, ascending, each once."""
        producer = self.producer
        return tuple(tuple(sorted({producer[b] for b in read} - {-1})) for read in self.reads)

    @cached_property
    def successors(self) -> tuple[tuple[int, ...], ...]:
        """Per operator: the operators that read its buffers, ascending, each once."""
        after: list[list[int]] = [[] for _ in self.names]
        for op, before in enumerate(self.predecessors):
            for p in before:
                after[p].append(op)
        return tuple(map(tuple, after))

    @cached_property
    def outputs(self) -> tuple[int, ...]:
        """Per operator: the bytes of all buffers that it makes."""
        sizes = self.sizes
        return tuple(sizes[made[0]] if len(made) == 1 else sum(sizes[b] for b in made) for made in self.makes)

    @cached_property
    def unread(self) -> tuple[int, ...]:
        """Per operator: the bytes of those buffers that it makes but nobody reads or keeps."""
        sizes, held, readers = self.sizes, self.held, self.readers
        return tuple(sum(sizes[b] for b in made if not readers[b] and b not in held) for made in self.makes)

    @cached_property
    def overwritable(self) -> tuple[frozenset[int], ...]:
        """Per operator: the buffers of `may_overwrite` that it can overwrite in some order.

        A buffer that is held, or smaller than the output, is never overwritten.
        """
        held, sizes, outputs = self.held, self.sizes, self.outputs
        nothing = frozenset[int]()
        return tuple(
            frozenset(b for b in allowed if b not in held and sizes[b] >= outputs[op]) if allowed else nothing
            for op, allowed in enumerate(self.may_overwrite)
        )

    def buffer_name(self, buffer: int) -> str:
        """Return what messages and reports call a buffer: its name, or `buffer N` where it has none."""
        return (self.buffer_names[buffer] if self.buffer_names else "") or f"buffer {buffer}"

    def renumbered(self, order: Sequence[int]) -> Problem:
        """Return the problem with its operators numbered in an order, which becomes the given one."""
        return replace(
            self,
            names=tuple(self.names[op] for op in order),
            reads=tuple(self.reads[op] for op in order),
            makes=tuple(self.makes[op] for op in order),
            may_overwrite=tuple(self.may_overwrite[op] for op in order),
            scratch=tuple(self.scratch[op] for op in order),
        )


def _check(problem: Problem) -> None:
    n, buffers = len(problem.names), len(problem.sizes)
    for field in ("reads", "makes", "may_overwrite", "scratch"):
        if len(getattr(problem, field)) != n:
            raise InstanceError(f"{len(getattr(problem, field))} entries in {field}, but {n} operators")
    if len(problem.buffer_names) not in (0, buffers):
        raise InstanceError(f"{len(problem.buffer_names)} entries in buffer_names, but {buffers} buffers")
    if not 0 <= problem.floor < LARGEST:
        raise InstanceError(f"floor {problem.floor} is not in 0..2**63-1")
    for b, size in enumerate(problem.sizes):
        if not 0 <= size < LARGEST:
            raise InstanceError(f"buffer {b}: size {shown(size)} is not in 0..2**63-1")
    for field, listed in (("inputs", problem.inputs), ("kept", problem.kept)):
        _check_ids(listed, buffers, field)
    made = [False] * buffers
    for b in problem.inputs:
        made[b] = True
    for op in range(n):
        _check_operator(problem, op, made)
    if not all(made):
        raise InstanceError(f"buffer {made.index(False)}: neither an input nor made by an operator")


def _check_operator(problem: Problem, op: int, made: list[bool]) -> None:
    """Check one operator; `made` says which buffers exist before it, and is updated with what it makes."""
    where = f"operator {op} ({problem.names[op]!r})"
    reads, makes, allowed = problem.reads[op], problem.makes[op], problem.may_overwrite[op]
    _check_ids(reads, len(made), f"{where}: reads")
    _check_ids(makes, len(made), f"{where}: makes")
    _check_ids(allowed, len(made), f"{where}: may_overwrite")
    if problem.scratch[op] < 0:
        raise InstanceError(f"{where}: scratch {shown(problem.scratch[op])} is negative")
    for b in reads:
        if not made[b]:
            raise InstanceError(f"{where}: reads buffer {b} before anything makes it")
    for b in makes:
        if made[b]:
            raise InstanceError(f"{where}: makes buffer {b}, which is an input or already made")
        made[b] = True
    if allowed:
        if not set(allowed) <= set(reads):
            raise InstanceError(f"{where}: may_overwrite lists a buffer that it does not read")
        if sum(problem.sizes[b] > 0 for b in makes) != 1:
            raise InstanceError(f"{where}: may_overwrite needs exactly one output of non-zero size")


def _check_ids(ids: tuple[int, ...], buffers: int, where: str) -> None:
    for b in ids:
        if not 0 <= b < buffers:
            raise InstanceError(f"{where}: buffer {b} does not exist (there are {buffers})")
    if len(set(ids)) != len(ids):
        raise InstanceError(f"{where}: a buffer is listed twice")
