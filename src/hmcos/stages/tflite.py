"""What a TensorFlow Lite model needs beyond the common way: its own target, and offsets for its tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from hmcos.errors import OptionError
from hmcos.frontends.model import Model
from hmcos.memory.lifetimes import lifetimes
from hmcos.memory.problem import Problem
from hmcos.memory.sharing import Sharing
from hmcos.memory.target import Target, load_target
from hmcos.plan.plan import Plan

FORMAT = "tflite"
TARGET = "tflm"
OFFSET_ALIGNMENT = 16
"""Bytes: the runtime takes any offset as it is given, but its kernels rely on this."""


def suited(target: Target, content: Model | Problem) -> Target:
    """Return the target for a network: for TensorFlow Lite the default is tflm, with the model's scratch."""
    if not isinstance(content, Model) or content.format != FORMAT:
        return target
    chosen = load_target(TARGET) if target.name == "default" else target
    if chosen.name != TARGET:
        return chosen
    from hmcos.runtimes.tflm_scratch import scratch_of  # noqa: PLC0415 (no other format pays for it)

    scratch = {**scratch_of(content.graph), **chosen.scratch_of_operator}
    tables = cast("Mapping[str, object]", chosen.data.get("scratch", {}))
    data = {**chosen.data, "scratch": {**tables, "operators": scratch}}
    return replace(chosen, scratch_of_operator=scratch, data=data)


def check_alignment(content: Model | Problem, alignment: int, *, offsets: bool) -> None:
    """Do nothing if offsets can be written for a network, or need not be.

    Raises:
        OptionError: offsets would not be aligned as the runtime's kernels demand.
    """
    if offsets and isinstance(content, Model) and content.format == FORMAT and alignment % OFFSET_ALIGNMENT:
        raise OptionError(
            f"offsets in a TensorFlow Lite model are multiples of {OFFSET_ALIGNMENT} bytes, but the alignment"
            f" is {alignment}; use --alignment {OFFSET_ALIGNMENT}, the target tflm, or --no-offsets"
        )


def tensor_offsets(content: Model | Problem, sharing: Sharing | None, plan: Plan) -> dict[int, int] | None:
    """Return tensor to its offset in bytes, None where the format does not hold them.

    Tensors are numbered through all subgraphs, the main graph first. Those without a place of their own are
    left out; the runtime plans them.
    """
    if not isinstance(content, Model) or content.format != FORMAT or sharing is None or plan.arena is None:
        return None
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
