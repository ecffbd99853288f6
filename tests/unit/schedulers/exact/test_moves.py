"""What a move costs, against the plain count, in every state and both directions."""

from __future__ import annotations

from random import Random

import pytest

from hmcos.schedulers.exact.joins import join
from hmcos.schedulers.exact.moves import Moves
from oracle import running, stable
from property.strategies import random_problem
from unit.schedulers.exact.closed import closed_states


@pytest.mark.parametrize("joined", [False, True])
def test_cost_is_what_the_steps_need_and_leave(joined: bool) -> None:
    source = Random(joined)
    for _ in range(300):
        problem = random_problem(source, source.randrange(1, 8))
        sequences = join(problem, forward=joined, mirror=joined)
        forward = Moves(problem, sequences, backward=False)
        backward = Moves(problem, sequences, backward=True)
        for done in closed_states(forward):
            for c, steps in enumerate(sequences):
                if done >> c & 1 or forward.before[c] & ~done:
                    continue
                finished = {op for d in range(len(sequences)) if done >> d & 1 for op in sequences[d]}
                before = stable(problem, finished)
                need = 0
                for op in steps:
                    need = max(need, running(problem, finished, op) - before)
                    finished.add(op)
                after = stable(problem, finished)
                assert forward.cost(c, forward.full & ~done) == (need, after - before)
                assert backward.cost(c, done) == (need - (after - before), before - after)
