"""The changes to a network that advice tries, each with the changed problem."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from hmcos.graph.graph import Graph, Operator
from hmcos.memory.changes import without_external
from hmcos.memory.lifetimes import live_at_peak
from hmcos.memory.problem import Problem
from hmcos.memory.target import Condition, Overwrite, kind_name
from hmcos.network.bodies import lower_graph
from hmcos.network.restoring import accounting_in
from hmcos.tasks.explain.advice import Change, Kind, changes_of_tensors
from hmcos.tasks.schedule.solved import Solved


def changes_of(solved: Solved) -> Iterator[Change]:
    """Yield the changes to try; those that leave the network as it is come first."""
    problem, plan = solved.network.problem, solved.plan
    if not plan.target.external_io:
        yield Change(Kind.EXTERNAL, partial(without_external, problem))
    if solved.opened.model is not None:
        yield from _changes_in_place(solved, solved.opened.model.graph)
    live = [solved.lives[i] for i in live_at_peak(solved.network.problem, plan.crest.step, solved.lives)]
    yield from changes_of_tensors(problem, live, plan.target.alignment)


def _changes_in_place(solved: Solved, graph: Graph) -> Iterator[Change]:
    """Yield, per kind of operators that may not write in place yet, the change that lets them."""
    accounting, rule = (
        accounting_in(solved.plan),
        Overwrite(None, first=False, condition=Condition.SAME_SHAPE),
    )
    target = accounting.target

    def with_kind(kind: str) -> Problem:
        wider = replace(accounting, target=replace(target, overwrite={**target.overwrite, kind: rule}))
        return lower_graph(graph, wider, solved.network.bodies)[0].problem

    here = {kind_name(op.kind, op.domain) for op in graph.operators if _could_write_in_place(graph, op)}
    for kind in sorted(here - target.overwrite.keys() - target.views):
        yield Change(Kind.IN_PLACE, partial(with_kind, kind), operators=kind)


def _could_write_in_place(graph: Graph, op: Operator) -> bool:
    """Return whether an operator makes a single tensor and reads one of the same shape and element size."""
    tensors = graph.tensors
    made = [tensors[t] for t in op.makes]
    read = (tensors[t] for t in op.inputs if t is not None and not tensors[t].is_parameter)
    return len(made) == 1 and any((t.shape, t.bits) == (made[0].shape, made[0].bits) for t in read)
