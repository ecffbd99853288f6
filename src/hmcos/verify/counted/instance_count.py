"""Check an order against the raw JSON of an instance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from hmcos.errors import VerifyError
from hmcos.verify.counted.recount import check_permutation
from hmcos.verify.counted.rounding import rounded_up

Instance = Mapping[str, object]
"""The JSON object of a valid `hmcos-instance/1` file."""


def check_instance_order(instance: Instance, order: Sequence[int]) -> None:
    """Check that every operator runs once, after everything that it reads is made.

    Raises:
        VerifyError: an operator is missing or repeated, or runs before what it reads is made.
    """
    operators = cast(list[Instance], instance["operators"])
    check_permutation(order, len(operators))
    made = set(cast(list[int], instance["inputs"]))
    for step, number in enumerate(order):
        op = operators[number]
        for b in cast(list[int], op["reads"]):
            if b not in made:
                where = f"step {step}, operator {number} ({op['name']!r})"
                raise VerifyError(f"{where}: reads buffer {b} before it is made")
        made.update(cast(list[int], op["makes"]))


def as_counted(instance: Instance, alignment: int, external_io: bool) -> Instance:
    """Return the instance with sizes as a plan counts them: rounded up, and 0 for what the caller supplies.

    Memory that the caller supplies costs nothing, is never overwritten, and overwrites nothing.
    """
    sizes = [rounded_up(size, alignment) for size in cast(list[int], instance["buffers"])]
    outside: set[int] = set()
    if external_io:
        outside = {*cast(list[int], instance["inputs"]), *cast(list[int], instance["kept"])}
        sizes = [0 if b in outside else size for b, size in enumerate(sizes)]
    operators: list[Instance] = []
    for op in cast(list[Instance], instance["operators"]):
        over = [b for b in cast(list[int], op.get("may_overwrite", [])) if b not in outside]
        writes = any(sizes[b] for b in cast(list[int], op["makes"]))
        scratch = rounded_up(cast(int, op.get("scratch", 0)), alignment)
        operators.append({**op, "may_overwrite": over if writes else [], "scratch": scratch})
    floor = rounded_up(cast(int, instance.get("floor", 0)), alignment)
    return {**instance, "buffers": sizes, "operators": operators, "floor": floor}
