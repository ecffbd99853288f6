"""The pictures by name, and the way from a model to a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from os import PathLike
from pathlib import Path
from time import perf_counter
from typing import Any

from hmcos.allocation.problem import Lives
from hmcos.allocation.table import allocator as allocator_called
from hmcos.errors import OptionError, OutputError, ToolError
from hmcos.memory.target import Target
from hmcos.plan.limits import SILENCE, Observer, never
from hmcos.plan.staging import write
from hmcos.report.rendering import check_dot, render
from hmcos.report.scene import Scene
from hmcos.schedulers.table import scheduler as scheduler_called
from hmcos.stages.choices import chosen_limits, chosen_target
from hmcos.stages.lowering import Network, lower_network
from hmcos.stages.opening import Openable, open_source
from hmcos.stages.saving import check_apart


@dataclass(frozen=True, slots=True)
class Picture:
    """How a picture is made, and what of."""

    place: str
    """ "module:function"; of a graph it takes a scene and returns DOT text, of a plot it takes a scene and a
    form and returns bytes."""
    orders: tuple[str, ...] = ()
    """The schedulers whose orders it shows; "result" is the one that was asked for."""
    plots: bool = False
    """Whether it has axes and is drawn by matplotlib instead of Graphviz."""
    arena: bool = False
    """Whether it shows an arena."""


PICTURES: dict[str, Picture] = {
    "graph": Picture("hmcos.report.graph_plot:graph"),
    "hierarchy": Picture("hmcos.report.graph_plot:hierarchy", ("result",)),
    "top": Picture("hmcos.report.tree_plot:top"),
    "dominators": Picture("hmcos.report.tree_plot:dominators"),
    "post-dominators": Picture("hmcos.report.tree_plot:post_dominators"),
    "schedule": Picture("hmcos.report.graph_plot:schedule", ("result",)),
    "memory": Picture("hmcos.report.memory_plot:memory", ("given", "rpo", "result"), plots=True),
    "arena": Picture("hmcos.report.arena_plot:arena", ("result",), plots=True, arena=True),
}
FORMS = ("svg", "pdf", "png")


def names() -> tuple[str, ...]:
    """Return the names of all pictures."""
    return tuple(PICTURES)


def draw(  # noqa: PLR0913 (one keyword per option of the command line, so that both say the same)
    model: Openable,
    output: str | PathLike[str],
    *,
    what: str = "schedule",
    scheduler: str = "optimal",
    target: str | PathLike[str] | Target = "default",
    bind: Mapping[str, int] | None = None,
    time_limit: float | None = None,
    alignment: int | None = None,
    allocator: str = "auto",
    observer: Observer = SILENCE,
    interrupted: Callable[[], bool] = never,
) -> Path:
    """Draw a network into a file and return its path; the suffix says in which form.

    `what` is one of `names()`: graphs become .svg, .pdf, .png by Graphviz, or .dot without it; memory and
    arena become .svg, .pdf, .png by matplotlib. `scheduler` finds the order that is shown, `allocator` the
    arena, each within `time_limit` seconds; the rest is as for `schedule`.

    Raises:
        ToolError: Graphviz or matplotlib is missing, or gives up.
        HmcosError: one of its other subclasses for any wrong input.
    """
    picture, place = _picture(what), Path(output)
    form = _form(picture, what, place)
    search, planner = scheduler_called(scheduler), allocator_called(allocator)
    limits, rules = chosen_limits(time_limit, interrupted=interrupted), chosen_target(target)
    opened = open_source(model, bind)
    check_apart(place, opened)
    network = lower_network(opened, rules, alignment, replace(limits, started=perf_counter()), observer)
    scene = _scene(network)
    for name in dict.fromkeys(scheduler if order == "result" else order for order in picture.orders):
        found = network.find(search if name == scheduler else scheduler_called(name), observer)
        scene = replace(scene, schedules=(*scene.schedules, found))
    if picture.arena:
        lives = Lives(scene.lives, network.target.alignment)
        scene = replace(scene, arena=planner(lives, replace(limits, started=perf_counter()), observer))
    write(place, drawn(scene, what, form, observer))
    return place


def drawn(scene: Scene, what: str, form: str, observer: Observer) -> bytes:
    """Return a picture of a scene in a form: svg, pdf, png, or dot for graphs.

    Raises:
        ToolError: what it takes to draw it is missing, or gives up.
    """
    picture = PICTURES[what]
    module, function = picture.place.split(":")
    make: Callable[..., Any] = getattr(import_module(module), function)
    if picture.plots:
        made: bytes = make(scene, form)
        return made
    text: str = make(scene)
    return text.encode() if form == "dot" else render(text, form, observer)


def _picture(what: str) -> Picture:
    if what not in PICTURES:
        raise OptionError(f"no picture is called {what!r}; there are {', '.join(PICTURES)}")
    return PICTURES[what]


def _form(picture: Picture, what: str, place: Path) -> str:
    """Return the form that the suffix asks for, when all is there that it takes."""
    form = place.suffix.removeprefix(".").lower()
    possible = FORMS if picture.plots else (*FORMS, "dot")
    if form not in possible:
        told = f"the suffix {place.suffix!r}" if place.suffix else "a name without a suffix"
        raise OptionError(
            f"{place}: {told} is no form of {what}; choose {', '.join(f'.{one}' for one in possible)}"
        )
    if place.is_dir():
        raise OutputError(f"{place}: is a folder; name a file")
    if not place.absolute().parent.is_dir():
        raise OutputError(f"{place}: there is no folder {place.parent}; make it first")
    if picture.plots:
        check_matplotlib()
    elif form != "dot":
        check_dot()
    return form


def check_matplotlib() -> None:
    """Do nothing if matplotlib is there.

    Raises:
        ToolError: it is not installed.
    """
    try:
        import_module("matplotlib")
    except ImportError as error:
        raise ToolError("plots need matplotlib; install it with: pip install 'hmcos[plots]'") from error


def _scene(network: Network) -> Scene:
    rows, problem = network.rows(), network.problem
    return Scene(
        title=f"{network.opened.source.name}, target {network.target.name}",
        problem=problem,
        rows=tuple(rows[number] for number in network.numbers),
        buffers=tuple(map(network.buffer_name, range(len(problem.sizes)))),
    )
