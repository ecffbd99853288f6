"""Check an order against the network itself."""

from __future__ import annotations

from collections.abc import Sequence

from hmcos.errors import VerifyError
from hmcos.graph.graph import Graph
from hmcos.verify.counted.recount import check_permutation


def check_planned(order: Sequence[int], planned: Sequence[int], where: str = "") -> None:
    """Check that an order is the planned one; `where` begins the message.

    Raises:
        VerifyError: it is not; names the first step that differs.
    """
    for step, (number, wanted) in enumerate(zip(order, planned, strict=False)):
        if number != wanted:
            raise VerifyError(f"{where}step {step} is operator {number}, but the plan says {wanted}")
    if len(order) != len(planned):
        raise VerifyError(f"{where}the file has {len(order):,} operators, the plan {len(planned):,}")


def check_order(graph: Graph, order: Sequence[int]) -> None:
    """Check that every operator runs once, after everything that it reads is made.

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
                raise VerifyError(f"step {step}, {op.title}: reads tensor {name!r} before it is made")
        made.difference_update(op.makes)
        if op.is_random:
            if number < latest_random:
                raise VerifyError(f"step {step}, {op.title}: runs after random operator {latest_random}")
            latest_random = number
