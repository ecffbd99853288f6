"""Validity and cost of a network's order, recounted from the network itself in the plainest way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hmcos.errors import VerifyError
from hmcos.graph.model import Graph, Operator
from hmcos.verify.recount import Recount, check_permutation
from hmcos.verify.rules import Rules


def verify_plan(
    graph: Graph,
    target_data: Mapping[str, object],
    body_scratch: Mapping[int, int],
    order: Sequence[int],
    peak: int,
    running: Sequence[int],
) -> None:
    """Do nothing if an order is valid and costs what a plan claims.

    Args:
        graph: the network.
        target_data: the content of the target's file; its alignment is the one that the plan used.
        body_scratch: operator number to the bytes that its bodies need while it runs.
        order: all operator numbers, those included that only compute parameters.
        peak: bytes, as claimed.
        running: bytes in use at each step, as claimed; parameter-only operators are no steps.

    Raises:
        VerifyError: the plan is wrong; names the first step, its operator, and the tensor.
    """
    check_order(graph, order)
    recount(graph, target_data, body_scratch, order).check(peak, running)


def check_order(graph: Graph, order: Sequence[int]) -> None:
    """Do nothing if every operator runs once, after all that it reads is made.

    Raises:
        VerifyError: an operator is missing, repeated or too early, or two random ones changed places.
    """
    check_permutation(order, len(graph.operators))
    made = {t for op in graph.operators for t in op.makes}
    latest_random = -1
    for step, number in enumerate(order):
        op = graph.operators[number]
        for t in op.reads:
            if t in made:
                name = graph.tensors[t].name
                raise VerifyError(f"step {step}, {_title(op)}: reads tensor {name!r} before it is made")
        made.difference_update(op.makes)
        if op.is_random:
            if number < latest_random:
                raise VerifyError(f"step {step}, {_title(op)}: runs after random operator {latest_random}")
            latest_random = number


def recount(
    graph: Graph,
    target_data: Mapping[str, object],
    body_scratch: Mapping[int, int],
    order: Sequence[int],
) -> Recount:
    """Return what a valid order costs (memory model, Terms and Sharing)."""
    rules = Rules(graph, target_data)
    waiting = _readers(graph, rules)
    kept = _kept(graph, rules, waiting)
    start = in_use = _bytes(rules, graph.inputs)
    running: list[int] = []
    operators: list[str] = []
    for number in order:
        op = graph.operators[number]
        if op.makes and all(graph.tensors[t].is_parameter for t in op.makes):
            continue
        read = {rules.storage[t] for t in op.reads if t in rules.storage}
        last = {t for t in read if waiting[t] == {number} and t not in kept}
        made = rules.allocated(op)
        output, places = rules.overwrites(op)
        in_place = any(rules.bytes_of(t) >= rules.bytes_of(output) for t in places & last)
        new = _bytes(rules, (t for t in made if not (in_place and t == output)))
        running.append(in_use + new + rules.scratch_of(op, body_scratch.get(number, 0)))
        operators.append(_title(op))
        for t in read:
            waiting[t].discard(number)
        in_use -= _bytes(rules, last)
        in_use += _bytes(rules, (t for t in made if waiting[t] or t in kept))
    return Recount(start, tuple(running), tuple(operators))


def _readers(graph: Graph, rules: Rules) -> dict[int, set[int]]:
    """Return, per storage, the numbers of all operators that read any tensor in it."""
    found: dict[int, set[int]] = {storage: set() for storage in rules.storage.values()}
    for op in graph.operators:
        for t in op.reads:
            if t in rules.storage:
                found[rules.storage[t]].add(op.number)
    return found


def _kept(graph: Graph, rules: Rules, readers: Mapping[int, set[int]]) -> set[int]:
    """Return the storages that nobody frees: those of outputs, and inputs that nobody reads."""
    outputs = {rules.storage[t] for t in graph.outputs if t in rules.storage}
    return outputs | {t for t in graph.inputs if not readers[t]}


def _bytes(rules: Rules, storages: Iterable[int]) -> int:
    return sum(rules.bytes_of(t) for t in storages)


def _title(op: Operator) -> str:
    name = f" {op.name!r}" if op.name else ""
    return f"operator {op.number} ({op.kind}{name})"
