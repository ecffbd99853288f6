"""Check by running that orders of a program keep its bits, and take the memory that is predicted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from operator import attrgetter
from random import Random
from typing import Any

import torch
from torch import fx

from hmcos.frontends.torch.arranging import rearranged
from hmcos.memory.problem import Problem
from hmcos.memory.profile import profile
from hmcos.runtimes.torch.bits import difference
from hmcos.runtimes.torch.memory import Memory
from hmcos.runtimes.torch.running import Feed, run
from hmcos.torch import Ordered, ordered


def faults(module: fx.GraphModule, feed: Feed, *, seed: int = 0, orders: int = 5) -> list[str]:
    """Return what is wrong with the given order, the best one, and some random ones of a graph."""
    found, feed = _planned(module, feed)
    problem = found.solved.network.problem
    given, best = tuple(range(problem.operators)), found.plan.schedule.order
    source = run(module, feed, seed)
    wrong: list[str] = []
    for kind, order in {"given": given, "best": best, **_random(problem, seed, orders)}.items():
        ran = run(_in_order(found, order), feed, seed)
        differs = difference(source, ran)
        wrong += [f"{kind} order: {differs} differs"] if differs else []
        wrong += [f"{kind} order: {fault}" for fault in memory_faults(found, order, ran.memory)]
    return wrong


def _planned(module: fx.GraphModule, feed: Feed) -> tuple[Ordered, Feed]:
    """Return the plan of a graph, and its feed with the inputs held that no operator reads.

    Such an input lives to the end, says the memory model. Given up, it would live until a view of it dies.
    """
    inputs = [node for node in module.graph.nodes if node.op == "placeholder"]
    names = [node.name for node in inputs]
    feed = replace(feed, given_up=frozenset(at for at in feed.given_up if inputs[at].users))
    parameters = [names[at] for at in sorted(feed.parameters)]
    held = [name for at, name in enumerate(names) if at not in feed.given_up]
    found = ordered(module, feed.values, parameters=parameters, held=held)
    network = found.solved.network
    idle = {network.buffer_names[b] for b in network.problem.held - set(network.problem.kept)}
    given_up = frozenset(at for at in feed.given_up if names[at] not in idle)
    return (found, feed) if given_up == feed.given_up else _planned(module, replace(feed, given_up=given_up))


def _in_order(found: Ordered, order: Sequence[int]) -> fx.GraphModule:
    orders = {**found.plan.orders, "": found.solved.network.source_order(order)}
    return rearranged(found.trace, orders)


def _random(problem: Problem, seed: int, count: int) -> dict[str, tuple[int, ...]]:
    return {f"random {k}": random_order(problem, Random(f"{seed} {k}")) for k in range(count)}


def random_order(problem: Problem, rng: Random) -> tuple[int, ...]:
    """Return a random order in which every operator comes after those that it needs."""
    missing = [len(before) for before in problem.predecessors]
    ready = [op for op, count in enumerate(missing) if not count]
    order: list[int] = []
    while ready:
        op = ready.pop(rng.randrange(len(ready)))
        order.append(op)
        for after in problem.successors[op]:
            missing[after] -= 1
            if not missing[after]:
                ready.append(after)
    return tuple(order)


def memory_faults(found: Ordered, order: Sequence[int], measured: Memory) -> Iterator[str]:
    """Yield where the measured memory of an order is not the predicted one."""
    network = found.solved.network
    predicted = profile(network.problem, order)
    nodes = [found.trace.operators[network.numbers[op]] for op in order]
    if measured.start != predicted.start:
        yield f"the inputs take {measured.start}, not {predicted.start}"
    before = predicted.start
    loose = False
    for node, used, after in zip(nodes, predicted.running, predicted.stable, strict=True):
        step = measured.by_node[node.name]
        uneven = _is_uneven(node, found.trace.module)
        loose |= uneven
        if step.before != before:
            yield f"before {node.name} ({node.target}): {step.before}, not {before}"
        if step.within != used and not (uneven and step.within < used):
            yield f"{node.name} ({node.target}): {step.within}, not {used}"
        before = after
    # An input without a reader that was given up dies only when the call ends.
    end = sum(network.problem.sizes[b] for b in network.problem.kept)
    if measured.end != end:
        yield f"the end: {measured.end}, not {end}"
    if measured.peak_within != predicted.peak and not (loose and measured.peak_within < predicted.peak):
        yield f"the peak: {measured.peak_within}, not {predicted.peak}"


def _is_uneven(node: fx.Node, module: fx.GraphModule) -> bool:
    """Return whether a node may need less than predicted: one of two unlike bodies runs, maybe in a body."""
    bodies = _bodies(node, module)
    if any(_is_uneven(inner, body) for body in bodies for inner in body.graph.nodes):
        return True
    return node.target is torch.ops.higher_order.cond and len({_text(body) for body in bodies}) > 1


def _bodies(node: fx.Node, module: fx.GraphModule) -> list[fx.GraphModule]:
    read: list[Any] = [attrgetter(str(n.target))(module) for n in node.all_input_nodes if n.op == "get_attr"]
    return [part for part in read if isinstance(part, fx.GraphModule)]


def _text(body: fx.GraphModule) -> str:
    return "".join(part.code for part in body.modules() if isinstance(part, fx.GraphModule))
