"""How the optimum follows a change of the problem, on problems too large to try every order."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from hmcos.limits import Limits, Status, Watch
from hmcos.memory.problem import Problem
from hmcos.memory.profile import peak
from hmcos.schedulers.optimal import optimal
from property.strategies import generators, problems

PROBLEMS = problems(max_operators=18, min_operators=8)
laws = settings(max_examples=40)


def least(problem: Problem) -> int:
    """The peak of a proved order."""
    found = optimal(problem, Limits(), Watch())
    assert found.status is Status.OPTIMAL
    assert found.peak == peak(problem, found.order)
    return found.peak


def renumbered(problem: Problem, rng: Random) -> Problem:
    """The same problem with other numbers for its buffers, and operators in another executable order."""
    buffers = rng.sample(range(len(problem.sizes)), len(problem.sizes))
    order: list[int] = []
    made = set(problem.inputs)
    while len(order) < problem.operators:
        ready = [op for op in range(problem.operators) if op not in order and made >= set(problem.reads[op])]
        order.append(rng.choice(ready))
        made.update(problem.makes[order[-1]])
    sizes = dict(zip(buffers, problem.sizes, strict=True))

    def moved(groups: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(sorted(buffers[b] for b in groups[op])) for op in order)

    return Problem(
        names=tuple(problem.names[op] for op in order),
        sizes=tuple(sizes[b] for b in range(len(sizes))),
        inputs=tuple(sorted(buffers[b] for b in problem.inputs)),
        kept=tuple(sorted(buffers[b] for b in problem.kept)),
        reads=moved(problem.reads),
        makes=moved(problem.makes),
        may_overwrite=moved(problem.may_overwrite),
        scratch=tuple(problem.scratch[op] for op in order),
    )


@laws
@given(PROBLEMS, generators())
def test_numbers_do_not_matter(problem: Problem, rng: Random) -> None:
    assert least(renumbered(problem, rng)) == least(problem)


@laws
@given(PROBLEMS, st.integers(2, 1_000))
def test_the_unit_does_not_matter(problem: Problem, unit: int) -> None:
    scaled = replace(
        problem,
        sizes=tuple(unit * size for size in problem.sizes),
        scratch=tuple(unit * size for size in problem.scratch),
    )
    assert least(scaled) == unit * least(problem)


@laws
@given(PROBLEMS, st.data())
def test_a_larger_buffer_costs_at_most_what_it_gained_and_never_saves(
    problem: Problem, data: st.DataObject
) -> None:
    plain = replace(problem, may_overwrite=((),) * problem.operators)
    b = data.draw(st.integers(0, len(problem.sizes) - 1))
    more = data.draw(st.integers(1, 50))
    grown = replace(plain, sizes=tuple(size + more * (i == b) for i, size in enumerate(plain.sizes)))
    assert least(plain) <= least(grown) <= least(plain) + more


@laws
@given(PROBLEMS)
def test_overwriting_and_giving_up_scratch_never_cost(problem: Problem) -> None:
    apart = replace(problem, may_overwrite=((),) * problem.operators)
    bare = replace(problem, scratch=(0,) * problem.operators)
    assert least(problem) <= least(apart)
    assert least(problem) - max(problem.scratch) <= least(bare) <= least(problem)


@laws
@given(PROBLEMS, PROBLEMS)
def test_two_networks_need_at_least_the_larger_and_at_most_both(first: Problem, second: Problem) -> None:
    """Two networks that share nothing; the inputs of both wait from the start, and results stay."""
    shift = len(first.sizes)

    def moved(groups: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(b + shift for b in group) for group in groups)

    both = Problem(
        names=first.names + second.names,
        sizes=first.sizes + second.sizes,
        inputs=first.inputs + tuple(b + shift for b in second.inputs),
        kept=first.kept + tuple(b + shift for b in second.kept),
        reads=first.reads + moved(second.reads),
        makes=first.makes + moved(second.makes),
        may_overwrite=first.may_overwrite + moved(second.may_overwrite),
        scratch=first.scratch + second.scratch,
    )
    needed = least(both)
    assert max(least(first), least(second)) <= needed <= least(first) + least(second)
