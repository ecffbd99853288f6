"""Validity and cost of an instance's order, recounted from its raw JSON in the plainest way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from hmcos.errors import VerifyError
from hmcos.verify.recount import Recount, check_permutation


def verify_instance(
    instance: Mapping[str, object], order: Sequence[int], peak: int, running: Sequence[int]
) -> None:
    """Do nothing if an order of an instance is valid and costs what a plan claims, in bytes.

    Raises:
        VerifyError: the plan is wrong; names the first step, its operator, and the buffer.
    """
    recount_instance(instance, order).check(peak, running)


def recount_instance(instance: Mapping[str, object], order: Sequence[int]) -> Recount:
    """Return what an order of an instance costs, checking that it is valid.

    Args:
        instance: the JSON object of a valid `hmcos-instance/1` file.
        order: positions in its list of operators.

    Raises:
        VerifyError: an operator is missing or repeated, or runs before what it reads is made.
    """
    sizes = cast(list[int], instance["buffers"])
    inputs = set(cast(list[int], instance["inputs"]))
    operators = cast(list[Mapping[str, object]], instance["operators"])
    check_permutation(order, len(operators))
    waiting = _readers(operators, len(sizes))
    kept = set(cast(list[int], instance["kept"])) | {b for b in inputs if not waiting[b]}
    made = set(inputs)
    start = in_use = sum(sizes[b] for b in inputs)
    running: list[int] = []
    titles: list[str] = []
    for step, number in enumerate(order):
        op = operators[number]
        titles.append(f"operator {number} ({op['name']!r})")
        for b in _ids(op, "reads"):
            if b not in made:
                raise VerifyError(f"step {step}, {titles[-1]}: reads buffer {b} before it is made")
        last = {b for b in _ids(op, "reads") if waiting[b] == {number} and b not in kept}
        new = sum(sizes[b] for b in _ids(op, "makes"))
        if any(b in last and sizes[b] >= new for b in _ids(op, "may_overwrite")):
            new = 0
        running.append(in_use + new + cast(int, op.get("scratch", 0)))
        for b in _ids(op, "reads"):
            waiting[b].discard(number)
        made.update(_ids(op, "makes"))
        in_use -= sum(sizes[b] for b in last)
        in_use += sum(sizes[b] for b in _ids(op, "makes") if waiting[b] or b in kept)
    return Recount(start, tuple(running), tuple(titles))


def _readers(operators: Sequence[Mapping[str, object]], buffers: int) -> list[set[int]]:
    """Return per buffer the operators that read it."""
    found: list[set[int]] = [set() for _ in range(buffers)]
    for number, op in enumerate(operators):
        for b in _ids(op, "reads"):
            found[b].add(number)
    return found


def _ids(op: Mapping[str, object], key: str) -> list[int]:
    return cast(list[int], op.get(key, []))
