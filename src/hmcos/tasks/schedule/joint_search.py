"""Search an order and its arena together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from hmcos.limits import Limits, Watch
from hmcos.memory.lifetimes import Life
from hmcos.memory.problem import Problem
from hmcos.memory.profile import peak
from hmcos.plan.arena import Arena
from hmcos.schedulers.optimal import optimal
from hmcos.schedulers.simple.random import random_order

SEARCHES = 4
"""Searches repeated with the operators renumbered, so that ties break differently."""
SEARCH_STATES = 20_000
MOST_ORDERS = 60
"""Orders to try in total; fewer for large problems: see `WORK`."""
WORK = 600_000
"""What all tries may cost together, so that even large problems take only seconds. An order of n operators
costs n times the least states that a proving planner looks at: `FEWEST`, or 2 n if that is more."""
FEWEST = 300
DRAWS = 20
"""Moves to draw before giving up on one that stays within the peak."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An order, its peak, its lives and their arena, in bytes."""

    order: tuple[int, ...]
    peak: int
    lives: tuple[Life, ...]
    arena: Arena


@dataclass(frozen=True, slots=True)
class Aim:
    """When a candidate is good enough, and which candidates are allowed."""

    size: int
    """Bytes; the search stops at an arena of this size or less."""
    peak: int | None
    """The highest peak allowed, in bytes; None to allow any peak."""


def improve(
    problem: Problem,
    start: Candidate,
    aim: Aim,
    plan: Callable[[Sequence[int]], tuple[tuple[Life, ...], Arena]],
    limits: Limits,
    watch: Watch,
) -> Candidate:
    """Return a candidate whose arena is at most that of the first one.

    First the search is repeated with the operators renumbered; then single operators move within the best
    order so far. The number of tries is fixed and the draws are seeded, so that results are reproducible.

    Args:
        problem: the network as numbers.
        start: the first candidate.
        aim: the size to stop at, and the highest peak allowed.
        plan: returns the lives of an order and an arena for them.
        limits: seconds and seed.
        watch: receives the progress after each try.
    """
    rng, best = Random(limits.seed), start
    for tried in range(_tries(1 + problem.operators)):
        if best.arena.size <= aim.size or watch.reached(limits, 0) is not None:
            break
        highest = best.arena.size - 1 if aim.peak is None else aim.peak
        if tried < SEARCHES:
            order = searched_again(problem, highest, rng, limits, watch)
        else:
            order = _moved(problem, best.order, highest, rng)
        reached = peak(problem, order)
        if reached > highest:
            continue
        lives, arena = plan(order)
        if (arena.size, reached) <= (best.arena.size, best.peak):
            best = Candidate(tuple(order), reached, lives, arena)
        watch.progress("order and arena", best.arena.size, aim.size, tried)
    return best


def _tries(n: int) -> int:
    return min(MOST_ORDERS, 1 + WORK // (n * max(FEWEST, 2 * n)))


def searched_again(problem: Problem, highest: int, rng: Random, limits: Limits, watch: Watch) -> list[int]:
    """Return an order found with randomly renumbered operators; its peak may be above the highest allowed."""
    numbers = random_order(problem, rng)
    within = replace(limits, budget=highest, states=min(limits.states, SEARCH_STATES))
    schedule = optimal(problem.renumbered(numbers), within, watch.silenced())
    return [numbers[op] for op in schedule.order]


def _moved(problem: Problem, order: Sequence[int], highest: int, rng: Random) -> list[int]:
    """Return the order with one operator moved, as far as dependencies allow, without exceeding a peak.

    If no drawn move stays within the peak, return the last one.
    """
    at = {op: step for step, op in enumerate(order)}
    moved = list(order)
    for _ in range(DRAWS):
        op = order[rng.randrange(len(order))]
        first = max((at[before] + 1 for before in problem.predecessors[op]), default=0)
        last = min((at[after] - 1 for after in problem.successors[op]), default=len(order) - 1)
        if first == last:
            continue
        moved = list(order)
        del moved[at[op]]
        moved.insert(rng.randint(first, last), op)
        if peak(problem, moved) <= highest:
            break
    return moved
