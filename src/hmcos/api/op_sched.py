"""Run what the published HMCOS program runs, and write its results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hmcos.errors import ToolError
from hmcos.limits import SILENCE, Observer, Watch, never
from hmcos.network.opening import open_source
from hmcos.report.pictures.graphviz import has_dot
from hmcos.report.pictures.picture_table import PICTURES, check_matplotlib, drawn
from hmcos.staging import write
from hmcos.tasks.compare.published import Published, publish
from hmcos.tasks.draw.scene import Scene, scene_with
from hmcos.tasks.places import target_file
from hmcos.tasks.request import ArenaRequest, Request, chosen_limits, chosen_target
from hmcos.tasks.schedule.task import Output, run_into
from hmcos.tasks.schedule.written_offsets import fit_offsets

SHOWN = ("memory", "arena", "schedule", "hierarchy")
"""The pictures that are written with the result."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """The results for one network, and the pictures written beside its plan."""

    found: Published
    pictures: tuple[Path, ...]
    notes: tuple[str, ...]
    """Which pictures could not be drawn or who laid them out, and how to change that."""


def run_published(  # noqa: PLR0913 (one keyword per option of the command line)
    model: str,
    folder: Path,
    *,
    target: str = "hmcos",
    bind: Mapping[str, int] | None = None,
    time_limit: float | None = None,
    overwrite: bool = False,
    observer: Observer = SILENCE,
    interrupted: Callable[[], bool] = never,
) -> Drawn:
    """Return the results of the published program for a model; write model, plan and pictures to a folder.

    The model is written in the optimal order. Without matplotlib, its pictures are left out, with a note.

    Raises:
        HmcosError: one of its subclasses for any wrong input.
    """
    watch, limits, rules = Watch(observer, interrupted), chosen_limits(time_limit), chosen_target(target)
    forms, notes = _forms()
    opened = open_source(model, bind)
    # A TensorFlow Lite model cannot hold the offsets of an arena that is packed closer.
    request = Request(rules, limits=limits, arena=ArenaRequest(), offsets=fit_offsets(opened, rules))
    beside = tuple(f"{what}.{form}" for what, form in forms.items())
    output = Output(folder, beside=beside, inputs=target_file(target), overwrite=overwrite)
    solved = run_into(request, opened, output, watch)
    found = publish(solved, limits, watch)
    scene = scene_with(solved, (found.given.schedule, found.rpo.schedule))
    return Drawn(found, _written(scene, forms, folder, watch), notes)


def _written(scene: Scene, forms: Mapping[str, str], folder: Path, watch: Watch) -> tuple[Path, ...]:
    """Return the paths of the pictures of a scene after they were drawn into a folder."""
    places = {what: folder / f"{what}.{form}" for what, form in forms.items()}
    for what, place in places.items():
        write(place, drawn(scene, what, forms[what], watch))
    return tuple(places.values())


def _forms() -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the file format of each picture that can be drawn, and notes for the user."""
    forms: dict[str, str] = dict.fromkeys(SHOWN, "svg")
    notes: list[str] = []
    if not has_dot():
        notes.append("graphs were laid out by hmcos, since the program dot of Graphviz is not installed")
    try:
        check_matplotlib()
    except ToolError as error:
        notes.append(str(error))
        forms = {what: form for what, form in forms.items() if not PICTURES[what].plots}
    return forms, tuple(notes)
