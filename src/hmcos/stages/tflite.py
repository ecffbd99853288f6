"""What a TensorFlow Lite model needs beyond the common way: its own target, and offsets for its tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from hmcos.errors import OptionError
from hmcos.frontends.model import Model
from hmcos.memory.bounds import must_live_bound
from hmcos.memory.lifetimes import lifetimes
from hmcos.memory.problem import Problem
from hmcos.memory.sharing import Sharing
from hmcos.memory.target import Target, load_target
from hmcos.plan.plan import Plan

FORMAT = "tflite"
TARGET = "tflm"
OFFSET_ALIGNMENT = 16
"""Bytes: the runtime takes any offset as it is given, but its kernels rely on this."""
LARGEST_ARENA = 2**31 - 1
"""Bytes: the runtime adds offsets and sizes in int32."""


def suited(target: Target, content: Model | Problem) -> Target:
    """Return the target for a network: for TensorFlow Lite the default is tflm, with the model's scratch."""
    if not isinstance(content, Model) or content.format != FORMAT:
        return target
    chosen = load_target(TARGET) if target.name == "default" else target
    if chosen.name != TARGET:
        return chosen
    scratch = {**(kernel_scratch(content) or {}), **chosen.scratch_of_operator}
    tables = cast("Mapping[str, object]", chosen.data.get("scratch", {}))
    data = {**chosen.data, "scratch": {**tables, "operators": scratch}}
    return replace(chosen, scratch_of_operator=scratch, data=data)


def kernel_scratch(content: Model) -> dict[str, int] | None:
    """Return the bytes that TFLM's kernels need per operator of a model; None for another format."""
    if content.format != FORMAT:
        return None
    from hmcos.runtimes.tflm_scratch import scratch_of  # noqa: PLC0415 (no other format pays for it)

    return scratch_of(content.graph)


def check_offsets(content: Model | Problem, problem: Problem, alignment: int) -> None:
    """Do nothing if offsets can be written for a network, whatever its order; `alignment` is in bytes.

    Raises:
        OptionError: offsets would not be aligned as the runtime's kernels demand, or be too large.
    """
    if not isinstance(content, Model) or content.format != FORMAT:
        return
    if alignment % OFFSET_ALIGNMENT:
        raise OptionError(
            f"{content.path}: offsets in a TensorFlow Lite model are multiples of {OFFSET_ALIGNMENT} bytes,"
            f" but the alignment is {alignment}; use --alignment {OFFSET_ALIGNMENT}, the target tflm, or"
            " --no-offsets"
        )
    if sum(problem.sizes) + sum(problem.scratch) > LARGEST_ARENA:
        _check_size(content, must_live_bound(problem), "at least ")


def _check_size(model: Model, size: int, least: str = "") -> None:
    if size > LARGEST_ARENA:
        raise OptionError(
            f"{model.path}: offsets in a TensorFlow Lite model are below {LARGEST_ARENA + 1:,}, but its arena"
            f" has {least}{size:,} bytes; use --no-offsets to write the order alone"
        )


def tensor_offsets(content: Model | Problem, sharing: Sharing | None, plan: Plan) -> dict[int, int] | None:
    """Return tensor to its offset in bytes, None where the format does not hold them.

    Tensors are numbered through all subgraphs, the main graph first. Those without a place of their own are
    left out; the runtime plans them.

    Raises:
        OptionError: the arena is larger than the format can tell.
    """
    if not isinstance(content, Model) or content.format != FORMAT or sharing is None or plan.arena is None:
        return None
    _check_size(content, plan.arena.size)
    lives = lifetimes(sharing.problem, plan.schedule.order)
    found = {
        tensor: offset
        for life, offset in zip(lives, plan.arena.offsets, strict=True)
        if life.buffer is not None
        for tensor in sharing.tensors_of[life.buffer]
    }
    if not plan.bodies:
        return found
    from hmcos.stages.tflite_bodies import body_offsets  # noqa: PLC0415 (no other format pays for it)

    return found | body_offsets(content, plan)
