"""Random problems that take many states to search: wide, with branches whose memory rises and falls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from hmcos.memory.problem import Problem

PALETTES: tuple[tuple[int, ...], ...] = ((1,), (1, 2), (1, 2, 3, 5, 8, 13), (1, 10, 100), tuple(range(1, 60)))
UNITS = (1, 1, 64, 1_000)
FEATURES = (
    "several outputs",
    "kept with readers",
    "zero sizes",
    "unread inputs",
    "unread outputs",
    "scratch",
    "overwrites",
    "sources",
    "floor",
)
INPUT = -1
"""Stands among the operators that one reads from for an input of the problem."""

Wiring = list[list[int]]
"""Per operator: the operators whose outputs it reads."""


def wide_problem(rng: Random, operators: int) -> Problem:
    """A problem of so many operators, each feature of the memory model in it or not by chance."""
    wiring = rng.choice((branches, branches, wired, summed))(rng, operators)
    features = frozenset(feature for feature in FEATURES if rng.random() < 0.4)
    return _Wide(rng, wiring, features).build()


def branches(rng: Random, operators: int) -> Wiring:
    """Branches that grow in turn, sometimes read each other and perhaps meet at the end."""
    width, crossing = rng.randrange(2, 7), rng.choice((0.0, 0.1, 0.4))
    ends, wiring = [INPUT] * width, Wiring()
    for op in range(operators):
        branch = rng.randrange(width)
        crosses = rng.random() < crossing
        wiring.append([ends[branch], rng.choice(ends)] if crosses else [ends[branch]])
        ends[branch] = op
    if wiring and rng.random() < 0.7:
        wiring[-1] = [end for end in ends if end != operators - 1]
    return wiring


def wired(rng: Random, operators: int) -> Wiring:
    """Operators that read one to three of the ones shortly before them."""
    window = rng.choice((3, 5, 9))
    return [
        [rng.randrange(max(INPUT, op - window), op) for _ in range(rng.choice((1, 2, 2, 3)))]
        for op in range(operators)
    ]


def summed(rng: Random, operators: int) -> Wiring:
    """Nodes of two operators, as in random-wired networks: the first sums what the second ones made."""
    wiring = wired(rng, (operators + 1) // 2)
    pairs = [([op if op < 0 else 2 * op + 1 for op in read], [2 * node]) for node, read in enumerate(wiring)]
    return [read for pair in pairs for read in pair][:operators]


@dataclass
class _Wide:
    """A problem that is built from a wiring, operator by operator."""

    rng: Random
    wiring: Wiring
    features: frozenset[str]
    sizes: list[int] = field(default_factory=list[int])
    made: list[list[int]] = field(default_factory=list[list[int]])
    """Per operator: the buffers that it makes."""

    def build(self) -> Problem:
        rng = self.rng
        self.palette, self.unit = rng.choice(PALETTES), rng.choice(UNITS)
        self.inputs = self.new_buffers(rng.choice((1, 1, 2, 3)))
        reads = [self.add_operator(read) for read in self.wiring]
        unread = set(range(len(self.sizes))) - {b for read in reads for b in read}
        operators = range(len(self.wiring))
        return Problem(
            names=tuple(f"op{op}" for op in operators),
            sizes=tuple(self.sizes),
            inputs=tuple(self.inputs),
            kept=tuple(b for b in range(len(self.sizes)) if self.keeps(b, b in unread)),
            reads=tuple(reads),
            makes=tuple(map(tuple, self.made)),
            may_overwrite=tuple(self.overwrites(op, reads[op]) for op in operators),
            scratch=tuple(self.new_size() if self.wants("scratch", 0.3) else 0 for _ in operators),
            floor=rng.randrange(100) * self.unit if self.wants("floor", 0.3) else 0,
        )

    def wants(self, feature: str, share: float) -> bool:
        return feature in self.features and self.rng.random() < share

    def new_size(self) -> int:
        return 0 if self.wants("zero sizes", 0.2) else self.rng.choice(self.palette) * self.unit

    def new_buffers(self, number: int) -> list[int]:
        first = len(self.sizes)
        self.sizes += [self.new_size() for _ in range(number)]
        return list(range(first, first + number))

    def add_operator(self, wired: Sequence[int]) -> tuple[int, ...]:
        """Add an operator that reads from these ones; return the buffers that it reads."""
        rng = self.rng
        read: list[int] = []
        for op in () if self.wants("sources", 0.1) else wired:
            offered = self.made[op] if op >= 0 else self.inputs
            if op < 0 and "unread inputs" in self.features:
                offered = offered[:1]
            read += rng.sample(offered, rng.randint(1, len(offered)))
        self.made.append(self.new_buffers(rng.choice((2, 3)) if self.wants("several outputs", 0.4) else 1))
        return tuple(dict.fromkeys(read))

    def keeps(self, buffer: int, unread: bool) -> bool:
        if unread:
            return not self.wants("unread outputs", 0.6)
        return self.wants("kept with readers", 0.15)

    def overwrites(self, op: int, read: Sequence[int]) -> tuple[int, ...]:
        if sum(self.sizes[b] > 0 for b in self.made[op]) != 1:
            return ()
        return tuple(b for b in read if self.wants("overwrites", 0.6))
