"""The arena that TensorFlow Lite for Microcontrollers (TFLM) reports, beside what was proved."""

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
    """The arena that TFLM reports for one form of a model, and the predicted size."""

    name: str
    """`source`, `order alone`, or `order and offsets`."""
    arena: TflmArena
    predicted: int | None
    """Predicted bytes of the head; None if the runtime plans the arena itself."""


@dataclass(frozen=True, slots=True)
class ArenaMeasurement:
    """The measured arenas of a model, and what was proved about it. Sizes in bytes."""

    name: str
    given_peak: int
    """Peak of the order in the file."""
    peak: int
    """Peak of the planned order."""
    lower_bound: int
    """Proved: no order and no placement needs fewer bytes of head."""
    arenas: tuple[MeasuredForm, ...]


def measure_arena(opened: Opened, request: Request, processes: int, watch: Watch) -> ArenaMeasurement:
    """Return the arenas that TFLM reports for a model: as it is, reordered, and with offsets.

    Raises:
        OptionError: files of the model's format hold no offsets.
        ToolError: the runtime is not installed.
        NotRunError: the runtime refuses the model.
    """
    del processes  # the runtime reports its own arena, which is the same in every process
    model = opened.model
    held = opened.offsets
    if model is None or held is None:
        name = opened.source.name
        raise OptionError(f"{name}: only the arena of a TensorFlow Lite model that TFLM can read is measured")
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
