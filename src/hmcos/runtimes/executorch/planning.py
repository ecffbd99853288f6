"""Offsets for the tensors of an ExecuTorch program, as a memory planning algorithm of its own kind."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from importlib import import_module
from typing import Any, Protocol

from hmcos.allocation.auto import auto
from hmcos.allocation.lives import Lives
from hmcos.errors import ToolError
from hmcos.limits import Limits, Watch
from hmcos.memory.lifetimes import Life
from hmcos.plan.arena import Arena

_POOL = 1
"""The pool of tensors that nobody gave another; pool 0 is that of constants."""


class Spec(Protocol):
    """What is read of a tensor (`executorch.exir.tensor.TensorSpec`)."""

    lifetime: list[int]
    """The first and the last node at which it is live."""
    mem_id: int | None
    """Its pool, if it was given one."""
    storage_base: object | None
    """The tensor inside which it lies, if it lies inside another."""

    @property
    def allocated_memory(self) -> int:
        """Bytes, aligned."""
        ...

    def realign(self, new_alignment: int) -> int:
        """Change its alignment and return its bytes."""
        ...


class Result(Protocol):
    """Where an algorithm puts tensors (`executorch.exir.memory_planning.MemoryAlgoResult`)."""

    spec_dict: dict[Spec, Any]
    bufsizes: list[int]
    """Bytes per pool."""


def memory_planning() -> Any:
    """Return the module of ExecuTorch that plans memory.

    Raises:
        ToolError: ExecuTorch is not installed.
    """
    try:
        return import_module("executorch.exir.memory_planning")
    except ImportError as error:
        raise ToolError(f"ExecuTorch cannot be imported ({error}): pip install executorch") from error


def placed(
    alignment: int,
    specs: Collection[Spec],
    module: object,
    greedy: Callable[[], Result],
    padding: int,
    limits: Limits,
) -> Result:
    """Return the least arena found per pool, or what ExecuTorch's greedy places where that needs less.

    The parameters are those of a memory planning algorithm (`executorch.exir.memory_planning.greedy`). A
    program with tensors inside other tensors is left to greedy. The bodies of its operators have the first
    bytes of each pool for themselves, as in greedy.
    """
    theirs = greedy()
    if any(spec.storage_base is not None for spec in specs):
        return theirs
    ours = _placed(alignment, _sorted(specs), _taken(module), padding, limits)
    # Pools are compared one by one: each may be a memory of its own.
    if all(mine <= their for mine, their in zip(ours.bufsizes, theirs.bufsizes, strict=True)):
        return ours
    return theirs


def _placed(alignment: int, specs: Iterable[Spec], taken: list[int], padding: int, limits: Limits) -> Result:
    pools: dict[int, list[Spec]] = {}
    for spec in specs:
        spec.realign(alignment)
        pools.setdefault(_POOL if spec.mem_id is None else spec.mem_id, []).append(spec)
    planning = memory_planning()
    result = planning.MemoryAlgoResult({}, [0] * (max(_POOL, *pools) + 1 if pools else 2))
    for pool, members in pools.items():
        first = taken[pool] if pool < len(taken) else 0
        arena = _arena(members, alignment, limits)
        result.bufsizes[pool] = first + arena.size + padding
        for number, (spec, offset) in enumerate(zip(members, arena.offsets, strict=True)):
            result.spec_dict[spec] = planning.SpecAllocResult(pool, number, first + offset)
    return result


def _arena(specs: list[Spec], alignment: int, limits: Limits) -> Arena:
    lives = tuple(
        Life(spec.lifetime[0], spec.lifetime[1] + 1, spec.allocated_memory, number)
        for number, spec in enumerate(specs)
    )
    return auto(Lives(lives, alignment), limits, Watch())


def _sorted(specs: Iterable[Spec]) -> list[Spec]:
    """Return tensors in an order of their own: a set has another one in every process."""
    return sorted(specs, key=lambda spec: (*spec.lifetime, -spec.allocated_memory))


def _taken(module: object) -> list[int]:
    """Return the bytes at the start of each pool that belong to the bodies of operators."""
    return list(getattr(module, "input_mem_buffer_sizes", None) or [])
