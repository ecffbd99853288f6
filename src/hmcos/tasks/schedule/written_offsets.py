"""Offsets of an arena, for formats whose model files hold them."""

from __future__ import annotations

from hmcos.errors import OptionError
from hmcos.memory.bounds import must_live_bound
from hmcos.memory.target import Target
from hmcos.network.lowering import Network
from hmcos.network.opening import Opened
from hmcos.plan.plan import TargetUsed
from hmcos.tasks.request import Request
from hmcos.tasks.schedule.solved import Solved

_TFLM = "tflm"
"""The target of TensorFlow Lite for Microcontrollers."""


def check_offsets(opened: Opened, network: Network) -> None:
    """Check that the alignment and the size of the arena permit offsets in the file.

    The check holds for every order; a format without offsets always passes.

    Raises:
        OptionError: offsets would not be aligned as the runtime's kernels require, or would be too large.
    """
    check_alignment(opened, network.target.alignment)
    held, problem = opened.offsets, network.problem
    if held is None:
        return
    if sum(problem.sizes) + sum(problem.scratch) > held.largest_arena:
        _check_size(opened, must_live_bound(problem), held.largest_arena, "at least ")


def check_total(opened: Opened, request: Request) -> None:
    """Check that it can be asked whether a network fits in all, its runtime's own data included.

    Raises:
        OptionError: that is known only of the target tflm, and of files that hold offsets.
    """
    if not has_total(opened, request):
        raise OptionError(
            f"{opened.source.name}: a budget for all that the runtime takes is for .tflite models and the"
            f" target {_TFLM}; use --budget-for peak"
        )


def has_total(opened: Opened, request: Request) -> bool:
    """Return whether it is known what the runtime of a network takes in all, its own data included."""
    is_tflm = request.target.name in ("default", _TFLM) or bool(request.target.kernels)
    return opened.offsets is not None and is_tflm


def check_alignment(opened: Opened, alignment: int) -> None:
    """Check that an alignment in bytes permits offsets in the file.

    Raises:
        OptionError: offsets would not be aligned as the runtime's kernels require.
    """
    held = opened.offsets
    if held is not None and alignment % held.alignment:
        raise OptionError(
            f"{opened.path}: offsets in a TensorFlow Lite model are multiples of {held.alignment} bytes,"
            f" but the alignment is {alignment}; use --alignment {held.alignment}, the target"
            " tflm, or --no-offsets"
        )


def fit_offsets(opened: Opened, target: Target | TargetUsed) -> bool:
    """Return whether the file of a network can hold offsets with the alignment of a target."""
    held = opened.offsets
    return held is None or target.alignment % held.alignment == 0


def _check_size(opened: Opened, size: int, largest: int, least: str = "") -> None:
    if size > largest:
        raise OptionError(
            f"{opened.path}: offsets in a TensorFlow Lite model are below {largest + 1:,}, but its arena"
            f" has {least}{size:,} bytes; use --no-offsets to write the order alone"
        )


def tensor_offsets(solved: Solved) -> dict[int, int] | None:
    """Return tensor to its offset in bytes; None if the format does not hold offsets.

    Tensors are numbered through all subgraphs, the main graph first. Those without an offset of their own
    are left out; the runtime plans them.

    Raises:
        OptionError: the arena is too large for the offsets of the format.
    """
    opened, plan = solved.opened, solved.plan
    held = opened.offsets
    if held is None or opened.model is None:
        return None
    own = held.own(opened.model) if plan.tflm is not None and plan.tflm.kept else None
    if own is not None:
        return dict(own.offsets) or None
    if plan.arena is None:
        return None
    _check_size(opened, plan.arena.size, held.largest_arena)
    offsets = {
        tensor: offset
        for life, offset in zip(solved.lives, plan.arena.offsets, strict=True)
        for tensor in solved.network.ids(life)
    }
    offsets |= dict.fromkeys(held.unused(opened.model), 0)
    if not plan.bodies:
        return offsets
    from hmcos.tasks.schedule.body_offsets import body_offsets  # noqa: PLC0415 (few models have bodies)

    return offsets | body_offsets(held.places(opened.model), plan)
