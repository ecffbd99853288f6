"""The arena that TensorFlow Lite for Microcontrollers reports, beside what was proved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from hmcos.errors import OptionError
from hmcos.folders import temporary_folder
from hmcos.limits import Watch
from hmcos.network.opening import Opened
from hmcos.runtimes.tflite.tflm import TflmArena, tflm_arena
from hmcos.tasks.request import ArenaRequest, Request
from hmcos.tasks.schedule.task import Output, run_into


@dataclass(frozen=True, slots=True)
class MeasuredForm:
    """What TFLM says of the arena of one form of a model, beside what was predicted."""

    name: str
    """source, order alone, or order and offsets."""
    arena: TflmArena
    predicted: int | None
    """Bytes of the head; None where the runtime's own planner decides."""


@dataclass(frozen=True, slots=True)
class ArenaMeasurement:
    """What was measured of a model, beside what was proved of it. Sizes in bytes."""

    name: str
    given_peak: int
    """Of the order in the file."""
    peak: int
    """Of the order of the plan."""
    lower_bound: int
    """Proved: no order and no placement needs fewer bytes of head."""
    arenas: tuple[MeasuredForm, ...]


def measure_arena(opened: Opened, request: Request, processes: int, watch: Watch) -> ArenaMeasurement:
    """Return what TFLM says of the arena of a model as it is, reordered, and as it is written.

    Raises:
        OptionError: the model is of a format that holds no offsets.
        ToolError: the runtime is not installed.
        NotRunError: it refuses the model.
    """
    del processes  # the runtime tells of itself, the same each time
    model = opened.model
    held = None if opened.format is None else opened.format.offsets
    if model is None or held is None:
        name = opened.source.name
        raise OptionError(f"{name}: only a TensorFlow Lite model has an arena that TFLM can tell of")
    with temporary_folder() as folder:
        wanted = replace(request, arena=ArenaRequest(), offsets=True)
        plan = run_into(wanted, opened, Output(folder), watch).plan
        result = Path(plan.outputs.model or "").read_bytes()
    bare = held.without(result, {})
    forms: list[tuple[str, bytes, int | None]] = [
        ("source", held.source(model), None),
        ("order alone", bare, None),
    ]
    if bare != result and plan.arena is not None:
        forms.append(("order and offsets", result, plan.arena.size))
    arenas = tuple(
        MeasuredForm(name, tflm_arena(content, model.graph), size) for name, content, size in forms
    )
    return ArenaMeasurement(plan.source.name, plan.given_peak, plan.peak, plan.lower_bound, arenas)
