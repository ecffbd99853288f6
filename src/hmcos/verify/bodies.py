"""What bodies (If, Loop, Scan) need while their operator runs, counted a second time.

Written from the memory model (Corners), not from the code that plans bodies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from hmcos.errors import VerifyError
from hmcos.graph.catalogue import STANDARD_DOMAINS
from hmcos.graph.model import Body, Graph, Operator
from hmcos.plan.plan import BodyPlan
from hmcos.verify.schedule import check_order, recount

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
    return _scratch(graph, "", target_data, plans)


def _scratch(graph: Graph, path: str, data: Table, plans: Mapping[str, BodyPlan]) -> dict[int, int]:
    """Recurses as deep as bodies are nested, which the frontend limits."""
    needs: dict[int, int] = {}
    for op in graph.operators:
        for body in op.bodies:
            here = f"{path}node {op.number}/{body.attribute}"
            own = _peak(_with_carried(graph, op, body), here, data, plans)
            given_back = _results(op, body, cast(int, data.get("alignment", 1)))
            needs[op.number] = max(needs.get(op.number, 0), own - given_back)
    return needs


def _peak(inner: Graph, here: str, data: Table, plans: Mapping[str, BodyPlan]) -> int:
    if here not in plans:
        raise VerifyError(f"{here}: the plan holds no order for this body")
    plan = plans[here]
    deeper = _scratch(inner, f"{here}/", data, plans)
    try:
        check_order(inner, plan.order)
    except VerifyError as error:
        raise VerifyError(f"{here}: {error}") from None
    peak = recount(inner, data, deeper, plan.order).peak
    if peak != plan.peak:
        raise VerifyError(f"{here}: the plan claims a peak of {plan.peak} bytes, but it is {peak}")
    return peak


def _results(op: Operator, body: Body, alignment: int) -> int:
    """Return the bytes of results that are outputs of the operator; the condition of a Loop is none."""
    if op.domain not in STANDARD_DOMAINS or op.kind not in ("If", "Loop", "Scan"):
        return 0
    results = body.graph.outputs[1:] if op.kind == "Loop" else body.graph.outputs
    total = 0
    for t in {t for t, made in zip(results, op.outputs, strict=False) if made is not None}:
        tensor = body.graph.tensors[t]
        total += 0 if tensor.is_parameter else (tensor.size + alignment - 1) // alignment * alignment
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
