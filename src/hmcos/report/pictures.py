"""The pictures by name, and the way from a model to a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from os import PathLike
from pathlib import Path
from time import perf_counter
from typing import Any

from hmcos.errors import OptionError, ToolError
from hmcos.memory.target import Target
from hmcos.plan.limits import SILENCE, Observer, never
from hmcos.plan.staging import identities, write
from hmcos.report.dot import dot_text
from hmcos.report.rendering import has_dot, render
from hmcos.report.scene import Scene
from hmcos.report.sketch import Sketch
from hmcos.report.strokes import shown
from hmcos.schedulers.table import scheduler as scheduler_called
from hmcos.stages.choices import chosen_limits, chosen_target
from hmcos.stages.lowering import Network, lower_network
from hmcos.stages.opening import Openable, open_source
from hmcos.stages.places import check_apart, check_file, target_file
from hmcos.stages.placing import chosen_placing, place
from hmcos.words import meant


@dataclass(frozen=True, slots=True)
class Picture:
    """How a picture is made, and what of."""

    place: str
    """ "module:function"; of a graph it takes a scene and returns a sketch, of a plot it takes a scene and a
    form and returns bytes."""
    ordered: bool = False
    """Whether it shows the order of the scheduler that was asked for."""
    beside: tuple[str, ...] = ()
    """The schedulers whose orders it shows beside that."""
    plots: bool = False
    """Whether it has axes and is drawn by matplotlib instead of Graphviz."""
    arena: bool = False
    """Whether it shows an arena."""


PICTURES: dict[str, Picture] = {
    "graph": Picture("hmcos.report.graph_plot:graph"),
    "hierarchy": Picture("hmcos.report.graph_plot:hierarchy", ordered=True),
    "top": Picture("hmcos.report.tree_plot:top"),
    "dominators": Picture("hmcos.report.tree_plot:dominators"),
    "post-dominators": Picture("hmcos.report.tree_plot:post_dominators"),
    "schedule": Picture("hmcos.report.graph_plot:schedule", ordered=True),
    "memory": Picture("hmcos.report.memory_plot:memory", ordered=True, beside=("given", "rpo"), plots=True),
    "arena": Picture("hmcos.report.arena_plot:arena", ordered=True, plots=True, arena=True),
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

    `what` is one of `names()`. Graphs become .svg, .pdf or .png by Graphviz where it is installed, else by
    this package (by way of matplotlib, except .svg), or .dot; memory and arena become .svg, .pdf or .png by
    matplotlib. `scheduler` finds the order that is shown, `allocator` the arena; both end after `time_limit`
    seconds. The rest is as for `schedule`.

    Raises:
        ToolError: what it takes is missing, or gives up.
        HmcosError: one of its other subclasses for any wrong input.
    """
    picture, file = _picture(what), Path(output)
    form = _form(picture, what, file)
    search = scheduler_called(scheduler)
    placing = chosen_placing(allocator, "peak", None) if picture.arena else None
    limits, rules = chosen_limits(time_limit, interrupted=interrupted), chosen_target(target)
    opened = open_source(model, bind)
    check_apart(file, identities(*opened.files, *target_file(target)))
    network = lower_network(opened, rules, alignment, replace(limits, started=perf_counter()), observer)
    scene = scene_of(network)
    if picture.ordered:
        beside = [scheduler_called(name) for name in picture.beside if name != scheduler]
        found = tuple(network.find(one, observer) for one in (*beside, search))
        scene = replace(scene, schedules=found)
    if placing is not None:
        placed = place(network, scene.result, placing, observer)
        scene = replace(scene, schedules=(placed.schedule,), arena=placed.arena)
    write(file, drawn(scene, what, form, observer))
    return file


def drawn(scene: Scene, what: str, form: str, observer: Observer) -> bytes:
    """Return a picture of a scene in a form: svg, pdf, png, or dot for graphs.

    Raises:
        ToolError: what it takes to draw it is missing, or gives up.
    """
    picture = PICTURES[what]
    observer.progress(f"drawing {what}", 0, 0, 0)
    module, function = picture.place.split(":")
    make: Callable[..., Any] = getattr(import_module(module), function)
    if picture.plots:
        made: bytes = make(scene, form)
        return made
    sketch: Sketch = make(scene)
    if form == "dot":
        return dot_text(sketch).encode()
    if has_dot():
        return render(dot_text(sketch), form, observer)
    return _laid_out(sketch, form)


def renderer(what: str, form: str) -> str:
    """Return who draws a picture in a form here: Graphviz, hmcos or matplotlib; empty where nobody has to."""
    if PICTURES[what].plots:
        return "matplotlib"
    if form == "dot":
        return ""
    return "Graphviz" if has_dot() else "hmcos"


def _laid_out(sketch: Sketch, form: str) -> bytes:
    """Return a sketch as svg, pdf or png without Graphviz."""
    from hmcos.report.drawing.nested import placed  # noqa: PLC0415 (only without Graphviz)

    picture = placed(sketch)
    if form == "svg":
        from hmcos.report.drawing.svg import svg  # noqa: PLC0415

        return svg(picture).encode()
    from hmcos.report.drawing.plot import plot  # noqa: PLC0415 (needs matplotlib)

    return plot(picture, form)


def _picture(what: str) -> Picture:
    if what not in PICTURES:
        known = ", ".join(PICTURES)
        raise OptionError(f"no picture is called {what!r}; there are {known}.{meant(what, PICTURES)}")
    return PICTURES[what]


def _form(picture: Picture, what: str, file: Path) -> str:
    """Return the form that the suffix asks for, when all is there that it takes."""
    form = file.suffix.removeprefix(".").lower()
    possible = FORMS if picture.plots else (*FORMS, "dot")
    if form not in possible:
        told = f"the suffix {file.suffix!r}" if file.suffix else "a name without a suffix"
        raise OptionError(
            f"{file}: {told} is no form of {what}; choose {', '.join(f'.{one}' for one in possible)}"
        )
    check_file(file)
    if picture.plots:
        check_matplotlib()
    elif form in {"pdf", "png"} and not has_dot():
        _check_either(form)
    return form


def _check_either(form: str) -> None:
    try:
        check_matplotlib()
    except ToolError as error:
        raise ToolError(
            f"graphs as .{form} need matplotlib (pip install 'hmcos[plots]') or the program dot of Graphviz; "
            ".svg needs neither"
        ) from error


def check_matplotlib() -> None:
    """Do nothing if matplotlib is there.

    Raises:
        ToolError: it is not installed, or its settings are wrong.
    """
    try:
        import_module("matplotlib")
    except ImportError as error:
        raise ToolError("plots need matplotlib; install it with: pip install 'hmcos[plots]'") from error
    except ValueError as error:  # it checks MPLBACKEND, which it will not use here, when it is imported
        raise ToolError(f"matplotlib does not start: {error}") from error


def scene_of(network: Network) -> Scene:
    """Return a network as a scene, without any order yet."""
    rows, problem = network.rows(), network.problem
    return Scene(
        title=f"{shown(Path(network.opened.source.name).name)}, target {network.target.name}",
        problem=problem,
        rows=tuple(rows[number] for number in network.numbers),
        buffers=tuple(map(network.buffer_name, range(len(problem.sizes)))),
    )
