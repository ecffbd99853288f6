"""Recount the memory that bodies (If, Loop, Scan) need while their operator runs.

Written from the memory model (Special cases), independently of the code that plans bodies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from hmcos.errors import VerifyError
from hmcos.graph.graph import Body, Graph, Operator
from hmcos.graph.kinds import STANDARD_DOMAINS
from hmcos.plan.plan import BodyPlan
from hmcos.verify.counted.claims import least_peak
from hmcos.verify.counted.order_check import check_order
from hmcos.verify.counted.recount import recount
from hmcos.verify.counted.rounding import rounded_up
from hmcos.verify.counted.steps import run_of_graph

Table = Mapping[str, object]


def recount_bodies(graph: Graph, target_data: Table, plans: Mapping[str, BodyPlan]) -> dict[int, int]:
    """Return operator number to the bytes that its bodies need while it runs, in their planned orders.

    Args:
        graph: the network.
        target_data: the content of the target's file, with the alignment that the plan used.
        plans: path of a body to its plan.

    Raises:
        VerifyError: a body has no plan, an order that is not valid, or another peak; names its path.
    """
    left = set(plans)
    scratch = _scratch(graph, "", {**target_data, "floor": 0}, plans, left)  # it counts once, outside
    for path in sorted(left):
        raise VerifyError(f"bodies: the plan holds an order for {path!r}, but there is no such body")
    return scratch


def _scratch(
    graph: Graph, path: str, data: Table, plans: Mapping[str, BodyPlan], left: set[str]
) -> dict[int, int]:
    """Recurses into nested bodies, whose depth the frontend limits; removes visited paths from `left`."""
    needs: dict[int, int] = {}
    for op in graph.operators:
        for body in op.bodies:
            here = f"{path}node {op.number}/{body.attribute}"
            inner = _with_carried(graph, op, body)
            if here not in plans:
                raise VerifyError(f"{here}: the plan holds no order for this body")
            left.discard(here)
            own = _peak(inner, plans[here], data, _scratch(inner, f"{here}/", data, plans, left))
            alignment = cast(int, data.get("alignment", 1))
            if body.held is None:
                own -= _results(op, body, alignment)
            else:
                own += sum(rounded_up(size, alignment) for size in body.held)
                own -= sum(rounded_up(graph.tensors[t].size, alignment) for t in op.makes)
            needs[op.number] = max(needs.get(op.number, 0), own)
    return needs


def _peak(inner: Graph, plan: BodyPlan, data: Table, deeper: Mapping[int, int]) -> int:
    """Return the peak of a body in its planned order, after checking order, peak and bound of its plan."""
    try:
        check_order(inner, plan.order)
    except VerifyError as error:
        raise VerifyError(f"{plan.path}: {error}") from None
    run = run_of_graph(inner, data, deeper, plan.order)
    peak = recount(run).peak
    if peak != plan.peak:
        raise VerifyError(f"{plan.path}: the plan claims a peak of {plan.peak} bytes, but it is {peak}")
    # The bound leaves out the memory of bodies inside this one, since they may not be solved.
    least = min(least_peak(run_of_graph(inner, data, {}, plan.order)), max(peak - 1, 0))
    if plan.lower_bound < least:
        raise VerifyError(f"{plan.path}: the lower bound is {plan.lower_bound}, but {least} bytes are needed")
    return peak


def _results(op: Operator, body: Body, alignment: int) -> int:
    """Return the bytes of results that are outputs of the operator; the condition of a Loop is not one."""
    if op.domain not in STANDARD_DOMAINS or op.kind not in ("If", "Loop", "Scan"):
        return 0
    results = body.graph.outputs[1:] if op.kind == "Loop" else body.graph.outputs
    total = 0
    for t in {t for t, made in zip(results, op.outputs, strict=False) if made is not None}:
        tensor = body.graph.tensors[t]
        total += 0 if tensor.is_parameter else rounded_up(tensor.size, alignment)
    return total


def _with_carried(graph: Graph, op: Operator, body: Body) -> Graph:
    """Return the body with its carried inputs live to the end of an iteration."""
    inner = body.graph
    if op.domain not in STANDARD_DOMAINS:
        return inner
    carried: list[int] = []
    if op.kind == "Loop":
        carried = list(inner.inputs[2:])
    elif op.kind == "Scan":
        for outside, inside in zip(op.inputs, inner.inputs, strict=False):
            if outside is not None and graph.tensors[outside].shape == inner.tensors[inside].shape:
                carried.append(inside)
    return replace(inner, outputs=(*inner.outputs, *carried))
