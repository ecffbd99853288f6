"""Offsets for the tensors of an ExecuTorch program, as a memory planning algorithm of its own kind."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from executorch.exir.memory_planning import MemoryAlgoResult, SpecAllocResult, greedy
from executorch.exir.tensor import TensorSpec
from torch.fx import GraphModule

from hmcos.allocation.auto import auto
from hmcos.allocation.lives import Lives
from hmcos.limits import Limits, Watch
from hmcos.memory.lifetimes import Life
from hmcos.plan.arena import Arena

_POOL = 1
"""The pool of tensors that nobody gave another; pool 0 is that of constants."""


def placed(  # noqa: PLR0913
    alignment: int,
    specs: Collection[TensorSpec],
    module: GraphModule,
    signature: Any,
    padding: int,
    limits: Limits,
) -> MemoryAlgoResult:
    """Return the least arena found per pool, or what ExecuTorch's greedy places where that needs less.

    The parameters are those of a memory planning algorithm (`executorch.exir.memory_planning.greedy`). A
    program with tensors inside other tensors is left to greedy. The bodies of its operators have the first
    bytes of each pool for themselves, as in greedy.
    """
    theirs = greedy(alignment, set(specs), module, signature, padding)
    if any(spec.storage_base is not None for spec in specs):
        return theirs
    ours = _placed(alignment, _sorted(specs), _taken(module), padding, limits)
    # Pools are compared one by one: each may be a memory of its own.
    if all(mine <= their for mine, their in zip(ours.bufsizes, theirs.bufsizes, strict=True)):
        return ours
    return theirs


def _placed(
    alignment: int, specs: Iterable[TensorSpec], taken: list[int], padding: int, limits: Limits
) -> MemoryAlgoResult:
    pools: dict[int, list[TensorSpec]] = {}
    for spec in specs:
        spec.realign(alignment)
        pools.setdefault(_POOL if spec.mem_id is None else spec.mem_id, []).append(spec)
    result = MemoryAlgoResult({}, [0] * max(2, *(pool + 1 for pool in pools)) if pools else [0, 0])
    for pool, members in sorted(pools.items()):
        first = taken[pool] if pool < len(taken) else 0
        arena = _arena(members, alignment, limits)
        result.bufsizes[pool] = first + arena.size + padding
        for number, (spec, offset) in enumerate(zip(members, arena.offsets, strict=True)):
            result.spec_dict[spec] = SpecAllocResult(pool, number, first + offset)
    return result


def _arena(specs: list[TensorSpec], alignment: int, limits: Limits) -> Arena:
    lives = tuple(
        Life(spec.lifetime[0], spec.lifetime[1] + 1, spec.allocated_memory, number)
        for number, spec in enumerate(specs)
    )
    return auto(Lives(lives, alignment), limits, Watch())


def _sorted(specs: Iterable[TensorSpec]) -> list[TensorSpec]:
    """Return the tensors in an order of their own: a set has another one in every process."""
    return sorted(specs, key=lambda spec: (*spec.lifetime, -spec.allocated_memory))


def _taken(module: GraphModule) -> list[int]:
    """Return the bytes at the start of each pool that belong to the bodies of operators."""
    return list(getattr(module, "input_mem_buffer_sizes", None) or [])
