"""The scratch that a target gives to operators by name, after a rewrite gave them other names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import cast

from hmcos.graph.graph import Graph
from hmcos.graph.rewrite import OperatorStep, Rewrite
from hmcos.memory.target import Target


def translated(target: Target, before: Graph, after: Graph, rewrite: Rewrite) -> Target:
    """Return a target for the graph that a rewrite made: each operator has the scratch that it had before.

    Formats without names for operators name them by number, which a rewrite changes. What the target gives to
    names that the graph before does not have is left out: now they may be those of other operators.
    """
    names = dict(_pairs(before, after, rewrite))
    return _renamed(target, names | {name: name for name in _inside(after)})


def translated_back(target: Target, before: Graph, after: Graph, rewrite: Rewrite) -> Target:
    """Return the target for the graph before a rewrite, from that for the graph after it."""
    names = {new: old for old, new in _pairs(before, after, rewrite)}
    return _renamed(target, names | {name: name for name in _inside(before)})


def unnamed(target: Target) -> Target:
    """Return a target without the scratch that it gives to operators by name."""
    return _renamed(target, {})


def _pairs(before: Graph, after: Graph, rewrite: Rewrite) -> Iterator[tuple[str, str]]:
    """Yield the names before and after a rewrite of each operator that stays whole."""
    for number, step in enumerate(rewrite.steps):
        if isinstance(step, OperatorStep) and step.pads is None:
            yield before.operators[step.number].name, after.operators[number].name


def _renamed(target: Target, names: Mapping[str, str]) -> Target:
    known = target.scratch_of_operator
    scratch = {names[name]: size for name, size in known.items() if name in names}
    if scratch == known:
        return target
    tables = cast("Mapping[str, object]", target.data.get("scratch", {}))
    data = {**target.data, "scratch": {**tables, "operators": scratch}}
    return replace(target, scratch_of_operator=scratch, data=data)


def _inside(graph: Graph) -> Iterator[str]:
    """Yield the names of all operators in bodies, which no rewrite changes."""
    graphs = [body.graph for op in graph.operators for body in op.bodies]
    while graphs:
        for op in graphs.pop().operators:
            yield op.name
            graphs += [body.graph for body in op.bodies]
