"""Laws of partners: a search that they help returns what it returns alone, and what they prove is true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

import pytest

from hmcos.limits import Limits, Status, Watch
from hmcos.memory.problem import Problem
from hmcos.memory.profile import peak
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.exact import pieces
from hmcos.schedulers.exact.commits import PruningRules
from hmcos.schedulers.exact.pieces import Piece
from hmcos.schedulers.optimal import search
from hmcos.schedulers.partners.board import Board
from hmcos.schedulers.partners.partner import Finding, Worker, decoded, encoded
from hmcos.schedulers.partners.partners import NoPartners, Partners
from hmcos.schedulers.simple.random import random_order
from oracle import optimum
from property.drawn_rules import drawn_pace, drawn_rules
from property.strategies import random_problem

BRUTE = 11
"""The most operators for brute force."""


@pytest.fixture(autouse=True)
def _pieces_are_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pieces are settled before partners have a chance: at once, or by orders without a search."""
    monkeypatch.setattr(pieces, "TINY", 0)
    monkeypatch.setattr(pieces, "CHEAP", ())


@dataclass
class Telling:
    """Partners that tell true bounds at drawn moments."""

    source: Random
    remembered: int = 0
    pieces: dict[int, tuple[Piece, int]] = field(default_factory=dict[int, tuple[Piece, int]])
    """Each piece that was searched, with its optimum."""
    bounds: dict[int, int] = field(default_factory=dict[int, int])
    asked_for_orders: int = 0

    def bound(self, number: int) -> int:
        return self.bounds.get(number, 0)

    def order(self, number: int) -> Sequence[int] | None:
        self.asked_for_orders += 1
        return None

    def work_beside(self, number: int, piece: Piece) -> None:
        if number not in self.pieces:
            self.pieces[number] = piece, least_peak(piece.problem)
        if self.source.random() < 0.3:
            told = self.source.choice(list(self.pieces))
            least = self.pieces[told][1]
            proved = self.source.choice((least, least, least - 1, self.source.randrange(least + 1)))
            self.bounds[told] = max(self.bound(told), proved)

    def give_way(self) -> None:
        pass

    def close(self) -> None:
        pass


class Lockstep:
    """Partners in this process, which often advance by a drawn number of states when the search does.

    What one has found is taken later, when the search may have gone on to another piece.
    """

    def __init__(self, source: Random, rules: PruningRules, size: int) -> None:
        self.board = Board(size, told=source.randrange(1, 20))
        self.workers = [Worker(rules, number) for number in range(size)]
        self.source = source
        self.held = [0] * size
        self.found: dict[int, tuple[int, Finding]] = {}
        """Per partner: the number of a piece and what is not yet taken."""
        self.pieces: dict[int, Piece] = {}
        self.least: dict[int, int] = {}

    @property
    def remembered(self) -> int:
        return sum(self.held)

    def bound(self, number: int) -> int:
        known = self.board.pieces.get(number)
        return known.lower_bound if known else 0

    def order(self, number: int) -> Sequence[int] | None:
        known = self.board.pieces.get(number)
        return known.order if known else None

    def work_beside(self, number: int, piece: Piece) -> None:
        if self.board.has_something_new(number, piece):
            self.board.tell(number, piece)
        for at, worker in enumerate(self.workers):
            if self.source.random() < 0.5:
                self.work(at, worker)
        self.pieces[number] = piece
        if number not in self.least:
            self.least[number] = least_peak(piece.problem)
        for told, known in self.board.pieces.items():
            assert known.lower_bound <= self.least[told] <= known.peak
            assert known.order is None or peak(self.pieces[told].problem, known.order) == known.peak

    def work(self, at: int, worker: Worker) -> None:
        if at in self.found:
            number, finding = self.found.pop(at)
            self.board.take(at, number, finding)
            self.held[at] = finding.remembered
        elif assignment := self.board.assignment(at):
            finding = decoded(encoded(worker.work(assignment, self.source.randrange(1, 8))))
            self.found[at] = assignment.number, finding

    def give_way(self) -> None:
        self.workers.pop()
        self.held.pop()
        self.found.pop(len(self.workers), None)
        self.board.leave(len(self.workers))

    def close(self) -> None:
        self.held = []


def least_peak(problem: Problem) -> int:
    """Return the optimum: by brute force, or by the search where that takes too long."""
    if problem.operators <= BRUTE:
        return optimum(problem)
    return search(problem, Limits(), Watch(), PruningRules(), NoPartners()).peak


def result(found: Schedule) -> tuple[object, ...]:
    return found.order, found.peak, found.lower_bound, found.status


def drawn(case: int) -> tuple[Problem, PruningRules]:
    """Return a problem, often of several pieces, and rules under which even small ones are searched for long.

    The pieces are one problem in several numberings, so that their peaks are alike and each has its turn.
    """
    source = Random(case)
    parts = source.choice((1, 2, 3))
    part = random_problem(source, source.randrange(8, 13 if parts == 1 else 10))
    problem = in_a_row([part.renumbered(random_order(part, source)) for _ in range(parts)])
    pace = replace(drawn_pace(source), quick_operators=0, first_round=source.randrange(3), slice=1)
    rules = replace(drawn_rules(source, pace), commit_ends=False, stepping=False)
    return problem, replace(rules, split=rules.split or parts > 1, commit=source.random() < 0.1)


def in_a_row(parts: Sequence[Problem]) -> Problem:
    """Return one problem that runs each part after the one before.

    Between two parts stands an operator that reads what the first one keeps, and makes the inputs of the
    second one and a buffer of no bytes, which everything in that one reads.
    """
    whole = parts[0]
    for part in parts[1:]:
        first = len(whole.sizes)
        token = first + len(part.sizes)
        read = {b for reads in whole.reads for b in reads}
        ends = tuple(b for b in range(first) if b in whole.kept or b not in read)

        def moved(buffers: Sequence[int], by: int = first) -> tuple[int, ...]:
            return tuple(b + by for b in buffers)

        whole = Problem(
            names=(*whole.names, "between", *part.names),
            sizes=(*whole.sizes, *part.sizes, 0),
            inputs=whole.inputs,
            kept=moved(part.kept),
            reads=(*whole.reads, ends, *((*moved(reads), token) for reads in part.reads)),
            makes=(*whole.makes, (*moved(part.inputs), token), *map(moved, part.makes)),
            may_overwrite=(*whole.may_overwrite, (), *map(moved, part.may_overwrite)),
            scratch=(*whole.scratch, 0, *part.scratch),
        )
    return whole


def searched(case: int, partners: Partners, **limits: int) -> Schedule:
    problem, rules = drawn(case)
    return search(problem, Limits(**limits), Watch(), rules, partners)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 800, 200))
def test_true_bounds_at_any_moment_change_no_result(first: int) -> None:
    ended_sooner = 0
    for case in range(first, first + 200):
        alone = searched(case, NoPartners())
        partners = Telling(Random(case))
        helped = searched(case, partners)
        assert result(helped) == result(alone), case
        assert alone.status is Status.OPTIMAL
        assert helped.states <= alone.states
        assert partners.asked_for_orders == 0
        ended_sooner += helped.states < alone.states
    assert ended_sooner > 5, "the law was hardly put to the test"


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 800, 200))
def test_partners_that_share_what_they_refuted_prove_what_is_true(first: int) -> None:
    ended_sooner = 0
    for case in range(first, first + 200):
        alone = searched(case, NoPartners())
        partners = Lockstep(Random(case), drawn(case)[1], 1 + case % 3)
        helped = searched(case, partners)
        assert result(helped) == result(alone), case
        ended_sooner += helped.states < alone.states
    assert ended_sooner > 5, "the law was hardly put to the test"


@pytest.mark.slow
def test_at_a_limit_what_partners_found_counts_and_is_true() -> None:
    lowered = raised = 0
    for case in range(500):
        problem = drawn(case)[0]
        states = 2 + case % 30
        alone = searched(case, NoPartners(), states=states)
        helped = searched(case, Lockstep(Random(case), drawn(case)[1], 2), states=states)
        if alone.status is Status.OPTIMAL:
            assert result(helped) == result(alone)
        assert peak(problem, helped.order) == helped.peak <= alone.peak
        assert alone.lower_bound <= helped.lower_bound <= helped.peak
        lowered += helped.peak < alone.peak
        raised += helped.lower_bound > alone.lower_bound
    assert raised > 0
