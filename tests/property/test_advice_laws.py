"""Advice is what brute force finds, and what is said to be forced is live in every order."""

from __future__ import annotations

from functools import partial

from hypothesis import given, settings

import oracle
from hmcos.limits import Limits, Watch
from hmcos.memory.bounds import must_live, must_live_buffers
from hmcos.memory.changes import without_external
from hmcos.memory.lifetimes import lifetimes
from hmcos.memory.problem import Problem
from hmcos.schedulers.optimal import optimal
from hmcos.schedulers.simple.rpo import rpo
from hmcos.tasks.explain.advice import Change, Kind, advise, changes_of_tensors
from property.strategies import problems


@given(problems(max_operators=6, min_operators=1))
@settings(max_examples=60)
def test_every_piece_of_advice_is_the_optimum_of_the_changed_problem(problem: Problem) -> None:
    found = optimal(problem, Limits(), Watch())
    lives = lifetimes(problem, found.order)
    changes = (
        Change(Kind.EXTERNAL, partial(without_external, problem)),
        *changes_of_tensors(problem, lives, alignment=1),
    )
    advised = advise(problem, changes, found, Limits(), Watch())
    assert len(advised.advice) == advised.possible == len(changes)
    for one in advised.advice:
        assert one.proved
        assert one.peak == oracle.optimum(one.change.build())
        assert advised.saved(one) == oracle.optimum(problem) - one.peak
    saved = [advised.saved(one) for one in advised.best]
    assert saved == sorted(saved, reverse=True)
    assert all(bytes_ > 0 for bytes_ in saved)


@given(problems(max_operators=6, min_operators=1))
@settings(max_examples=60)
def test_no_change_gets_the_credit_for_a_better_order(problem: Problem) -> None:
    found = rpo(problem, Limits(), Watch())
    advised = advise(problem, (Change(Kind.EXTERNAL, lambda: problem),), found, Limits(), Watch())
    assert advised.peak == oracle.optimum(problem)
    assert not advised.best


@given(problems(max_operators=5, min_operators=1))
@settings(max_examples=40)
def test_what_must_be_live_is_live_in_every_order(problem: Problem) -> None:
    orders = list(oracle.orders(problem))
    for op, needs in enumerate(must_live(problem)):
        forced = must_live_buffers(problem, op)
        for order in orders:
            live = oracle.live(problem, set(order[: order.index(op)]))
            assert live >= set(forced)
        own = sum(problem.sizes[b] for b in forced) + problem.scratch[op]
        assert needs - own in {0, sum(problem.sizes[b] for b in problem.makes[op])}


@given(problems(max_operators=6, min_operators=1))
@settings(max_examples=40)
def test_a_renumbered_problem_costs_what_its_order_costs(problem: Problem) -> None:
    order = rpo(problem, Limits(), Watch()).order
    again = problem.renumbered(order)
    assert oracle.peak_of(again, range(again.operators)) == oracle.peak_of(problem, order)
