"""Random problems that are rich in corners, for laws (hypothesis) and for seeded sweeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from hypothesis import strategies as st

from hmcos.memory.problem import Problem

PALETTES: tuple[tuple[int, ...], ...] = (
    (1,),
    (0, 1, 2),
    (1, 2, 3, 4, 6, 8),
    (0, 1, 5, 5, 9, 17, 40, 100),
)
"""Equal sizes, small ones with ties and zeros, doubling ones (overwrites fit), a wide spread."""


def problems(max_operators: int = 7, min_operators: int = 0) -> st.SearchStrategy[Problem]:
    """Valid problems: several outputs, kept buffers with readers, zero-size and unread buffers, scratch,
    overwrites of equal, larger, smaller and kept inputs, sources, chains, forced operators."""
    build: Callable[[Random, int], Problem] = random_problem
    return st.builds(build, generators(), st.integers(min_operators, max_operators))


def generators() -> st.SearchStrategy[Random]:
    """Random generators: half of them shrink well, half are rich in what shrinking would avoid."""
    return st.one_of(st.randoms(use_true_random=False), st.integers(0, 2**32 - 1).map(Random))


def random_problem(rng: Random, operators: int) -> Problem:
    """A problem of so many operators; equal for equal states of the generator."""
    return _Growth(rng).grow(operators)


@dataclass
class _Growth:
    """A problem that grows by one operator at a time."""

    rng: Random
    sizes: list[int] = field(default_factory=list[int])
    unread: set[int] = field(default_factory=set[int])
    """Buffers without a reader so far."""
    since: int = 0
    """Buffers from here on were made by the latest forced operator or after it."""
    reads: list[tuple[int, ...]] = field(default_factory=list[tuple[int, ...]])
    makes: list[tuple[int, ...]] = field(default_factory=list[tuple[int, ...]])

    def grow(self, operators: int) -> Problem:
        rng = self.rng
        self.palette = rng.choice(PALETTES)
        self.window = rng.choice((3, 6, 100))
        self.chains = rng.choice((0.1, 0.4, 0.8))
        inputs = self.new_buffers(rng.choice((0, 1, 1, 2, 3)))
        for _ in range(operators):
            self.add_operator()
        eager = rng.choice((0.1, 0.5, 0.9))
        kept = [b for b in range(len(self.sizes)) if rng.random() < (0.4 if b in self.unread else 0.08)]
        heavy = rng.choice((0.0, 0.0, 0.2))
        return Problem(
            names=tuple(f"op{op}" for op in range(operators)),
            sizes=tuple(self.sizes),
            inputs=inputs,
            kept=tuple(kept),
            reads=tuple(self.reads),
            makes=tuple(self.makes),
            may_overwrite=tuple(self.overwrites(op, eager) for op in range(operators)),
            scratch=tuple(rng.choice(self.palette) if rng.random() < heavy else 0 for _ in range(operators)),
        )

    def add_operator(self) -> None:
        kind = self.rng.random()
        forced = kind < 0.06 and bool(self.unread)
        if forced:
            read = tuple(sorted(self.unread))
        elif kind < 0.12 and not self.since:
            read = ()
        else:
            read = self.some_buffers()
        self.unread -= set(read)
        made = self.new_buffers(self.rng.choice((1, 1, 1, 1, 1, 1, 2, 2, 3, 1 if forced else 0)))
        self.reads.append(read)
        self.makes.append(made)
        if forced:
            self.since = made[0]

    def some_buffers(self) -> tuple[int, ...]:
        rng, buffers = self.rng, len(self.sizes)
        if not buffers:
            return ()
        if rng.random() < self.chains:
            return (buffers - 1,)
        recent = max(self.since, buffers - self.window)
        read = [rng.randrange(min(recent, buffers - 1), buffers) for _ in range(rng.choice((1, 2, 2, 3, 4)))]
        if rng.random() < 0.15:
            read.append(rng.randrange(buffers))
        return tuple(dict.fromkeys(read))

    def new_buffers(self, number: int) -> tuple[int, ...]:
        first = len(self.sizes)
        self.sizes.extend(self.rng.choice(self.palette) for _ in range(number))
        made = tuple(range(first, first + number))
        self.unread.update(made)
        return made

    def overwrites(self, op: int, eager: float) -> tuple[int, ...]:
        if sum(self.sizes[b] > 0 for b in self.makes[op]) != 1:
            return ()
        return tuple(b for b in self.reads[op] if self.rng.random() < eager)
