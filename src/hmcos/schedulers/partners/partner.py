"""A partner process of a search: assignments come in, findings go out, both as bytes."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hmcos.memory.problem import Problem
from hmcos.schedulers.exact.commits import PruningRules
from hmcos.schedulers.exact.thresholds import WIDE
from hmcos.schedulers.partners.refutation import Refutation
from hmcos.schedulers.partners.untold import News

SLICE = 4_096
"""States between two messages; fewer where each takes longer."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """What all assignments of a partner have in common."""

    rules: PruningRules
    partner: int
    """Its number, from 0."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a partner works on until its next answer."""

    number: int
    """Of the piece."""
    problem: Problem | None
    """The piece; None if it is the same as before."""
    peak: int
    """The best that is known, in bytes."""
    backward: bool
    """The direction to search."""
    news: tuple[News, ...]
    """What others refuted since the last assignment."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a partner has found out about the piece that it works on."""

    lower_bound: int
    """Bytes."""
    peak: int
    """Bytes; of its own order, or of the best known."""
    order: Sequence[int] | None
    """An order with this peak, if this partner found it."""
    states: int
    """Entered for this piece."""
    remembered: int
    """Held in memory."""
    news: News


def answering(greeting: bytes) -> Callable[[bytes], bytes]:
    """Return what works on assignments of one search; the greeting is pickled."""
    begun: Greeting = pickle.loads(greeting)
    worker = Worker(begun.rules, begun.partner)

    def answered(request: bytes) -> bytes:
        assignment: Assignment = pickle.loads(request)
        return encoded(worker.work(assignment))

    return answered


class Worker:
    """Works on one piece at a time."""

    def __init__(self, rules: PruningRules, partner: int) -> None:
        self._rules, self._partner = rules, partner
        self._refutation: Refutation | None = None

    def work(self, assignment: Assignment, states: int = SLICE) -> Finding:
        """Return what is found out after about so many more states."""
        refutation = self._refutation
        if assignment.problem is not None or refutation is None:
            assert assignment.problem is not None, "the first assignment for a piece names its problem"
            refutation = self._refutation = Refutation(
                assignment.problem,
                assignment.peak,
                self._rules,
                self._partner,
                backward=assignment.backward,
            )
        refutation.lower(assignment.peak)
        for news in assignment.news:
            refutation.adopt(news)
        refutation.advance(max(1, states * WIDE // max(WIDE, refutation.sequences)))
        return Finding(
            refutation.lower_bound,
            refutation.peak,
            refutation.order,
            refutation.states,
            refutation.remembered,
            refutation.news(),
        )


def encoded(finding: Finding) -> bytes:
    """Return a finding as bytes; answers of processes are never unpickled."""
    news = finding.news
    head = (
        finding.lower_bound,
        finding.peak,
        finding.order and list(finding.order),
        finding.states,
        finding.remembered,
        news.threshold,
        news.backward,
    )
    return json.dumps(head).encode() + b"\n" + news.states


def decoded(content: bytes) -> Finding:
    """Return the finding that was encoded."""
    head, _, states = content.partition(b"\n")
    bound, reached, order, entered, remembered, threshold, backward = json.loads(head)
    return Finding(bound, reached, order, entered, remembered, News(threshold, backward, states))
