"""The lowest state between two others, against listing all states between them."""

from __future__ import annotations

from random import Random

from hmcos.memory.problem import Problem
from hmcos.schedulers.exact.joins import join
from hmcos.schedulers.exact.moves import Moves, members
from hmcos.schedulers.exact.valley import lowest_between
from oracle import stable
from property.strategies import random_problem
from unit.schedulers.exact.closed import closed_states


def stable_memory(problem: Problem, moves: Moves, done: int) -> int:
    return stable(problem, {op for c in members(done) for op in moves.sequences[c]})


def test_it_is_the_lowest_and_the_farthest_in_both_directions() -> None:
    source = Random(3)
    compared = 0
    while compared < 4_000:
        problem = random_problem(source, source.randrange(3, 9))
        backward = source.random() < 0.5
        joined = source.random() < 0.5
        sequences = join(problem, forward=joined, mirror=joined)
        moves = Moves(problem, sequences, backward=backward)
        states = closed_states(moves)
        for _ in range(8):
            low, high = source.choice(states), source.choice(states)
            if low & high != low:
                continue
            compared += 1
            between = [state for state in states if low & state == low and state & high == state]
            least = min(stable_memory(problem, moves, state) for state in between)
            lowest = [state for state in between if stable_memory(problem, moves, state) == least]
            if backward:
                found = lowest_between(moves, high, low)
                assert found == min(lowest, key=int.bit_count)
            else:
                found = moves.full & ~lowest_between(moves, moves.full & ~low, moves.full & ~high)
                assert found == max(lowest, key=int.bit_count)
