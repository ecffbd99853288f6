"""What the published system's program prints, the optimum beside it, and files that show it all.

Wang, Wan, Chen, Lin, Jiang, Qiao: Hierarchical Memory-Constrained Operator Scheduling of Neural
Architecture Search Networks, DAC 2022, doi 10.1145/3489517.3530472; the program `op_sched`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hmcos import api
from hmcos.errors import ToolError
from hmcos.plan.limits import SILENCE, Observer, never
from hmcos.plan.plan import Plan
from hmcos.plan.schedule import Status
from hmcos.plan.staging import write
from hmcos.report.pictures import PICTURES, check_matplotlib, drawn, scene_of
from hmcos.report.rendering import has_dot
from hmcos.report.scene import Scene
from hmcos.stages.choices import chosen_limits, chosen_target
from hmcos.stages.experiment import Trial, try_order
from hmcos.stages.lowering import lower_network
from hmcos.stages.opening import open_source
from hmcos.stages.tflite import OFFSET_ALIGNMENT

SHOWN = ("memory", "arena", "schedule", "hierarchy")
"""The pictures that come with the result."""
_RESULT = {True: "Optimal", False: "Best Found"}
"""What a size is called, by whether it is proved that none is smaller."""
_KB = 1024
"""The published program's KB, of which it prints whole ones."""


@dataclass(frozen=True, slots=True)
class Published:
    """What was found for one network, and what was written."""

    hmcos: Trial
    rpo: Trial
    plan: Plan
    """Of the optimal scheduler, with the smallest arena."""
    pictures: tuple[Path, ...]
    notes: tuple[str, ...]
    """What could not be drawn, or by whom it was, and how to change that."""

    @property
    def lines(self) -> tuple[str, ...]:
        """The four lines of the published program, and two of the same kind for the optimum."""
        arena = self.plan.arena
        assert arena is not None, "a plan without a budget has an arena"
        proved = self.plan.status is Status.OPTIMAL
        sizes = {
            "HMCOS Peak": self.hmcos.schedule.peak,
            "HMCOS Arena Size": self.hmcos.arena("tflite_arena").size,
            "RPO Peak": self.rpo.schedule.peak,
            "RPO Arena Size": self.rpo.arena("tflite_arena").size,
            f"{_RESULT[proved]} Peak": self.plan.peak,
            f"{_RESULT[arena.size == self.plan.lower_bound]} Arena Size": arena.size,
        }
        if not proved:  # a limit or Ctrl-C came first
            sizes["Optimal Peak At Least"] = self.plan.lower_bound
        return tuple(f"{words}: {size // _KB} KB" for words, size in sizes.items())


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
) -> Published:
    """Return what the published program finds for a model, and write model, plan and pictures to a folder.

    The model is written in the optimal order. Pictures that lack matplotlib are noted, not drawn.

    Raises:
        HmcosError: one of its subclasses for any wrong input.
    """
    limits, rules = chosen_limits(time_limit, interrupted=interrupted), chosen_target(target)
    forms, notes = _forms()
    plan = api.schedule(
        model,
        target=target,
        bind=bind,
        time_limit=time_limit,
        output=folder,
        overwrite=overwrite,
        # A TensorFlow Lite model cannot hold the offsets of an arena that is packed closer.
        offsets=rules.alignment % OFFSET_ALIGNMENT == 0,
        observer=observer,
        interrupted=interrupted,
        beside=[f"{what}.{form}" for what, form in forms.items()],
    )
    network = lower_network(open_source(model, bind), rules, None, limits, observer)
    given, rpo, hmcos = (try_order(network, name, limits, observer) for name in ("given", "rpo", "hmcos"))
    scene = replace(
        scene_of(network), schedules=(given.schedule, rpo.schedule, plan.schedule), arena=plan.arena
    )
    return Published(hmcos, rpo, plan, _written(scene, forms, folder, observer), notes)


def _written(scene: Scene, forms: Mapping[str, str], folder: Path, observer: Observer) -> tuple[Path, ...]:
    """Return the paths of the pictures of a scene after they were drawn into a folder."""
    places = {what: folder / f"{what}.{form}" for what, form in forms.items()}
    for what, place in places.items():
        write(place, drawn(scene, what, forms[what], observer))
    return tuple(places.values())


def _forms() -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the form of each picture that can be drawn, and what there is to tell of that."""
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
