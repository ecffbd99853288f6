"""Laws of levels: what a program of a level answers, against all states, and that it bounds every order."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmcos.memory.problem import Problem
from hmcos.schedulers.exact.joins import join
from hmcos.schedulers.exact.level_program import Level, LevelPrograms
from hmcos.schedulers.exact.levels import Levels, climb, sets
from hmcos.schedulers.exact.moves import Moves, members
from oracle import optimum, running, stable
from property.strategies import problems, random_problem

BEYOND = 1 << 40
"""More bytes than any of these problems need."""


def moves_of(problem: Problem, *, joined: bool) -> Moves:
    return Moves(problem, join(problem, forward=joined, mirror=joined), backward=False)


def ended(turns: Generator[None, None, int]) -> int:
    while True:
        try:
            next(turns)
        except StopIteration as end:
            return int(end.value)


def states(moves: Moves) -> Iterator[set[int]]:
    """Every set of sequences that contains what its members need."""
    for mask in range(moves.full + 1):
        if all(moves.before[c] & mask == moves.before[c] for c in members(mask)):
            yield set(members(mask))


def needed(moves: Moves, ran: set[int], w: int) -> int:
    """Bytes in use at most during a sequence that runs after others, by the memory model of the oracle."""
    done = {op for c in ran for op in moves.sequences[c]}
    most = 0
    for op in moves.sequences[w]:
        most = max(most, running(moves.problem, done, op))
        done.add(op)
    return most


def least_at(moves: Moves, level: Level) -> int | None:
    """The least memory at a level over all states, with the needs as given; None if no state has a next."""
    found = [
        stable(moves.problem, {op for c in ran for op in moves.sequences[c]}) + level.needs[w]
        for ran in states(moves)
        if len(ran & level.needs.keys()) == level.number
        for w in level.needs.keys() - ran
        if set(members(moves.before[w])) <= ran
    ]
    return min(found, default=None)


def drawn_level(moves: Moves, source: Random, low: int = 0, high: int = BEYOND) -> Level:
    every = range(len(moves.bits))
    chosen = [w for w in every if source.random() < 0.6] or [source.choice(every)]
    needs = {w: moves.cost(w, 0)[0] for w in chosen}
    return Level(source.randrange(len(chosen)), needs, low, high)


@given(problems(max_operators=8, min_operators=1), st.booleans(), st.randoms(use_true_random=False))
def test_a_program_finds_the_least_memory_at_a_level(problem: Problem, joined: bool, source: Random) -> None:
    moves = moves_of(problem, joined=joined)
    level = drawn_level(moves, source)
    assert ended(LevelPrograms(moves).least(level)) == least_at(moves, level)


@given(
    problems(max_operators=8, min_operators=1),
    st.randoms(use_true_random=False),
    st.integers(0, 60),
    st.integers(1, 60),
)
def test_a_program_answers_within_the_range_asked_for(
    problem: Problem, source: Random, low: int, width: int
) -> None:
    moves = moves_of(problem, joined=True)
    level = drawn_level(moves, source, low, low + width)
    answer, least = ended(LevelPrograms(moves).least(level)), least_at(moves, level)
    assert least is not None
    assert answer == max(low, min(low + width, least))


def test_sizes_that_the_solver_cannot_compare_raise_no_bound() -> None:
    """It answers 40532396646334488, by rounding, though a state of the level needs little more than half."""
    half, quarter = 1 << 53, 1 << 52
    problem = Problem(
        names=("a", "b", "c", "d", "e"),
        sizes=(
            *(quarter, half + quarter + 4, 0, quarter + 5, half + quarter + 5, quarter + 4, 1),
            *(half + 4, half + 2, half + 4, half + 2),
        ),
        inputs=(0, 1, 2, 3),
        kept=(),
        reads=((0, 2), (), (2, 7), (1, 5, 7), (2, 6)),
        makes=((4,), (5, 6, 7), (8,), (9,), (10,)),
        may_overwrite=((),) * 5,
        scratch=(6, 4, 6, 4, 4),
    )
    moves = moves_of(problem, joined=False)
    low, high = 40532396646334484, 40532396646334490
    level = Level(3, sets(moves)[-1], low, high)
    least = least_at(moves, level)
    assert least is not None
    assert least < low
    assert ended(LevelPrograms(moves).least(level)) == low


@given(problems(max_operators=8, min_operators=1), st.booleans(), st.randoms(use_true_random=False))
def test_no_order_stays_below_a_level(problem: Problem, joined: bool, source: Random) -> None:
    moves = moves_of(problem, joined=joined)
    assert ended(LevelPrograms(moves).least(drawn_level(moves, source))) <= optimum(problem)


@given(problems(max_operators=7, min_operators=1), st.booleans())
def test_a_sequence_needs_no_less_than_is_counted_for_it(problem: Problem, joined: bool) -> None:
    moves = moves_of(problem, joined=joined)
    for ran in states(moves):
        before = stable(problem, {op for c in ran for op in moves.sequences[c]})
        for w in range(len(moves.bits)):
            if w not in ran and set(members(moves.before[w])) <= ran:
                assert before + moves.cost(w, 0)[0] <= needed(moves, ran, w)


@given(problems(max_operators=9, min_operators=1), st.integers(-5, 3))
def test_all_programs_together_raise_a_true_bound(problem: Problem, below: int) -> None:
    least = optimum(problem)
    levels, bound, high = Levels(moves_of(problem, joined=True)), max(0, least + below), least + 1
    bound = min(bound, least)
    while not levels.is_over:
        raised = ended(levels.raised(bound, high))
        assert bound <= raised <= least
        bound = raised


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_seeded_sweep_of_programs(seed: int) -> None:
    source = Random(seed)
    for _ in range(60):
        problem = random_problem(source, source.randrange(6, 11))
        moves = moves_of(problem, joined=source.random() < 0.5)
        level = drawn_level(moves, source)
        answer = ended(LevelPrograms(moves).least(level))
        assert answer == least_at(moves, level)
        assert answer <= optimum(problem)


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_climb_ends_on_the_summit(levels: int, summit: int) -> None:
    """Where the least memory rises up to one level and falls behind it."""
    climbing = climb(levels)
    level, tried, highest = next(climbing, None), list[int](), -100
    while level is not None:
        tried.append(level)
        higher = -abs(level - summit) > highest
        highest = max(highest, -abs(level - summit))
        try:
            level = climbing.send(higher)
        except StopIteration:
            level = None
    assert len(set(tried)) == len(tried)
    assert all(0 <= level < levels for level in tried)
    if levels:
        assert highest == -abs(min(summit, levels - 1) - summit)
