"""An integer program: the least memory in which an order can go on from one level to the next.

A level k of a set W of sequences is the moment just before the (k+1)-th of them runs. What ran before it is a
state with exactly k of W, and one of the others is ready. The program minimizes stable memory plus what that
one needs over all such states:

    ran[c]    sequence c is in the state; only if its predecessors are
    live[b]   buffer b is live: its producer is in the state, and not all of its readers
    next[w]   sequence w of W runs next: it is ready; exactly one does

OR-Tools CP-SAT solves it, with all that is linear in its relaxation.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from math import gcd

from ortools.sat.python import cp_model

from hmcos.schedulers.exact.moves import Moves, members
from hmcos.solving import EXACT, turns

LINEAR = 2
"""All that is linear goes into the solver's relaxation."""
WORK = 2.0
"""The most that the solver works on one program, in its deterministic unit, about five seconds each."""


@dataclass(frozen=True, slots=True)
class Level:
    """A level of a set of sequences, and the range in which its least memory is of interest."""

    number: int
    """How many sequences of the set ran before it."""
    needs: Mapping[int, int]
    """The set: sequence to the bytes that its move needs beyond stable memory, at least."""
    low: int
    """Bytes: anything up to this counts as this."""
    high: int
    """Bytes: anything from this on counts as this."""


class LevelPrograms:
    """The programs of one stretch: everything that does not depend on the level is built once."""

    def __init__(self, moves: Moves) -> None:
        """Take the moves of the forward direction."""
        self._moves = moves
        self._buffers = _buffers(moves)
        problem = moves.problem
        self._fits = sum(problem.sizes) + sum(problem.outputs) + sum(problem.scratch) < EXACT
        self._throughout = sum(problem.sizes[b] for b in problem.inputs if b in problem.held)
        """Bytes that are live throughout."""

    def least(self, level: Level) -> Generator[None, None, int]:
        """Return a lower bound, in bytes, on the peak of every order, from `low` to `high`.

        It is the least memory at the level if the solver ends within its work. Yields all the time while the
        solver works; it is stopped if the generator is closed.
        """
        if not self._fits or level.low >= level.high:
            return level.low
        unit = gcd(*self._buffers.values(), *level.needs.values(), self._throughout) or 1
        model = cp_model.CpModel()
        memory = self._memory(model, level, unit)
        least = model.new_int_var(level.low // unit, (level.high - 1) // unit, "")
        model.add(memory <= least)
        model.minimize(least)
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.linearization_level = LINEAR
        solver.parameters.max_deterministic_time = WORK
        status = yield from turns(solver, model)
        if status == cp_model.INFEASIBLE:
            return level.high
        return max(level.low, min(level.high, solver.response_proto.inner_objective_lower_bound * unit))

    def _memory(self, model: cp_model.CpModel, level: Level, unit: int) -> cp_model.LinearExprT:
        """Return what is in use at a level, in units, and constrain the model to states of that level."""
        moves = self._moves
        ran = [model.new_bool_var("") for _ in moves.bits]
        following = {w: model.new_bool_var("") for w in level.needs}
        for c, before in enumerate(moves.before):
            for p in members(before):
                model.add_implication(ran[c], ran[p])
                if c in following:
                    model.add_implication(following[c], ran[p])
        model.add_exactly_one(following.values())
        for w, runs in following.items():
            model.add_implication(runs, ~ran[w])
        model.add(sum(ran[w] for w in following) == level.number)
        memory = self._stable(model, ran)
        memory += [(level.needs[w], runs) for w, runs in following.items()]
        return sum(size // unit * var for size, var in memory) + self._throughout // unit

    def _stable(
        self, model: cp_model.CpModel, ran: list[cp_model.IntVar]
    ) -> list[tuple[int, cp_model.IntVar]]:
        """Return what stable memory is the sum of, beside what is live throughout: bytes and variables."""
        always = model.new_constant(1)
        terms: list[tuple[int, cp_model.IntVar]] = []
        for (maker, readers), size in self._buffers.items():
            made = always if maker < 0 else ran[maker]
            by = [ran[reader] for reader in members(readers)]
            if len(by) < 2:
                # Its only reader runs after its maker, so it is live if just one of the two ran.
                terms += [(size, made), *((-size, read) for read in by)]
                continue
            live = model.new_bool_var("")
            for read in by:
                model.add(live >= made - read)
            terms.append((size, live))
        return terms


_Buffer = tuple[int, int]
"""Buffers that live and die together: their producer, -1 for inputs, and their readers, none if held."""


def _buffers(moves: Moves) -> dict[_Buffer, int]:
    """Return the bytes of the buffers that are not live throughout, by producer and readers."""
    problem, merged = moves.problem, dict[_Buffer, int]()
    for b in problem.inputs:
        if problem.sizes[b] and b not in problem.held:
            key = -1, moves.read_by[b]
            merged[key] = merged.get(key, 0) + problem.sizes[b]
    for c, lasting in enumerate(moves.lasting):
        for size, readers in lasting:
            key = c, readers & ~moves.bits[c]
            merged[key] = merged.get(key, 0) + size
    return merged
