"""Add tensor ids to plans of the first edition, which only have the names of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hmcos.plan.arena import PlacedBuffer
from hmcos.plan.plan import Plan


def with_tensor_ids(plan: Plan, names: Sequence[str], in_problem: bool = False) -> Plan:
    """Return the plan with the ids of all tensors in its buffers; a plan that has ids is unchanged.

    A buffer gets no ids if one of its names belongs to no tensor of the network, or to several. Such a plan
    cannot be checked, and the verifier refuses it.

    Args:
        plan: the plan.
        names: the names of all tensors of the network, by id; for a problem, `buffer N` by number.
        in_problem: whether the plan is for a problem, whose buffers have no names.
    """
    if all(buffer.tensors or buffer.operator is not None for buffer in plan.buffers):
        return plan
    id_of: dict[str, int | None] = {}
    for t, name in enumerate(names):
        id_of[name] = None if name in id_of else t
    buffers = (_with_ids(buffer, id_of, in_problem) for buffer in plan.buffers)
    return replace(plan, buffers=tuple(buffers))


def _with_ids(buffer: PlacedBuffer, id_of: dict[str, int | None], in_problem: bool) -> PlacedBuffer:
    if buffer.tensors or buffer.operator is not None:
        return buffer
    if in_problem:
        names = (buffer.name,)
    else:  # the tensor that the buffer was made for comes first
        names = tuple(sorted(buffer.names, key=lambda name: name != buffer.name))
    ids = tuple(t for name in names if (t := id_of.get(name)) is not None)
    if len(ids) != len(names):
        return buffer
    return replace(buffer, tensors=ids, names=("",) if in_problem else names)
