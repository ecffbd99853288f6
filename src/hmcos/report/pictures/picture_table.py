"""The pictures by name, and the way from a scene to a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from hmcos.errors import OptionError, ToolError
from hmcos.limits import Observer
from hmcos.registry import imported
from hmcos.report.pictures.dot import dot_text
from hmcos.report.pictures.graphviz import has_dot, render
from hmcos.report.pictures.sketch import Sketch
from hmcos.tasks.draw.row_scene import RowScene
from hmcos.tasks.draw.scene import Scene
from hmcos.tasks.places import check_file
from hmcos.words import meant


@dataclass(frozen=True, slots=True)
class PictureKind:
    """How a picture is made, and what it shows."""

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
    by_rows: bool = False
    """Whether it shows a row plan, so that it takes a row scene."""


PICTURES: dict[str, PictureKind] = {
    "graph": PictureKind("hmcos.report.pictures.graph_plot:graph"),
    "hierarchy": PictureKind("hmcos.report.pictures.graph_plot:hierarchy", ordered=True),
    "top": PictureKind("hmcos.report.pictures.hierarchy_plot:top"),
    "dominators": PictureKind("hmcos.report.pictures.hierarchy_plot:dominators"),
    "post-dominators": PictureKind("hmcos.report.pictures.hierarchy_plot:post_dominators"),
    "schedule": PictureKind("hmcos.report.pictures.graph_plot:schedule", ordered=True),
    "memory": PictureKind(
        "hmcos.report.pictures.memory_plot:memory", ordered=True, beside=("given", "rpo"), plots=True
    ),
    "arena": PictureKind("hmcos.report.pictures.arena_plot:arena", ordered=True, plots=True, arena=True),
    "rows": PictureKind("hmcos.report.pictures.rows_plot:rows", plots=True, by_rows=True),
}
FORMS = ("svg", "pdf", "png")


def names() -> tuple[str, ...]:
    """Return the names of all pictures."""
    return tuple(PICTURES)


def drawn(scene: Scene | RowScene, what: str, form: str, observer: Observer) -> bytes:
    """Return a picture of a scene, for rows of a row scene, in a form: svg, pdf, png, or dot for graphs.

    Raises:
        ToolError: a program or package that the picture needs is missing or failed.
    """
    picture = PICTURES[what]
    observer.progress(f"drawing {what}", 0, 0, 0)
    make: Callable[..., Any] = imported(picture.place)
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
    """Return what draws a picture in a form: Graphviz, hmcos or matplotlib; empty for DOT text."""
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


def picture_called(what: str) -> PictureKind:
    """Return a picture.

    Raises:
        OptionError: there is none of this name.
    """
    if what not in PICTURES:
        known = ", ".join(PICTURES)
        raise OptionError(f"no picture is called {what!r}; there are {known}.{meant(what, PICTURES)}")
    return PICTURES[what]


def form_of(what: str, file: Path) -> str:
    """Return the form of a picture by the suffix of a file, after checking that it can be drawn.

    Raises:
        OptionError: the picture has no such form.
        OutputError: the file cannot be written.
        ToolError: a program or package that the picture needs is missing.
    """
    picture = picture_called(what)
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
    """Check that matplotlib can be imported.

    Raises:
        ToolError: it is not installed, or its settings are wrong.
    """
    try:
        import_module("matplotlib")
    except ImportError as error:
        raise ToolError("plots need matplotlib; install it with: pip install 'hmcos[plots]'") from error
    except ValueError as error:  # it checks MPLBACKEND, which it will not use here, when it is imported
        raise ToolError(f"matplotlib does not start: {error}") from error
