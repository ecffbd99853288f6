"""Draw networks and plans, and write the page that explains a plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path

from hmcos.backends.c.naming import Naming, name_for
from hmcos.errors import OptionError
from hmcos.limits import SILENCE, Observer, Watch, never
from hmcos.memory.target import Target
from hmcos.network.opening import Openable, Opened, open_source
from hmcos.network.restoring import opened_for
from hmcos.network.results import files_of
from hmcos.network.sources import source_of
from hmcos.plan.file.plan_file import read_plan
from hmcos.plan.file.row_file import is_row_plan, read_row_plan
from hmcos.plan.plan import Plan
from hmcos.plan.row_plan import RowPlan
from hmcos.report.page.page import NAME, plotly_script, write_page
from hmcos.report.page.rows_page import page_beside, write_rows_page
from hmcos.report.pictures.picture_table import PictureKind, drawn, form_of, picture_called
from hmcos.schedulers.scheduler_table import scheduler as scheduler_called
from hmcos.staging import identities, write
from hmcos.streaming.program import Rows
from hmcos.tasks.compile.compiling import CompileRequest, compiled
from hmcos.tasks.draw.row_scene import row_scene
from hmcos.tasks.draw.scene import Scene, scene_of, scene_with
from hmcos.tasks.explain.explanation import explain_plan
from hmcos.tasks.explain.tiling_advice import tiling_limits
from hmcos.tasks.places import check_apart, check_file, target_file
from hmcos.tasks.request import ArenaRequest, Request, chosen_limits, chosen_target
from hmcos.tasks.schedule.solving import lowered
from hmcos.tasks.schedule.task import restored, run


def draw(  # noqa: PLR0913 (one keyword per option of the command line, so that both say the same)
    model: Openable,
    output: str | PathLike[str],
    *,
    what: str | None = None,
    scheduler: str = "optimal",
    target: str | PathLike[str] | Target = "default",
    kernels: str | None = None,
    bind: Mapping[str, int] | None = None,
    time_limit: float | None = None,
    alignment: int | None = None,
    allocator: str = "auto",
    observer: Observer = SILENCE,
    interrupted: Callable[[], bool] = never,
) -> Path:
    """Draw a network, or a row plan, into a file and return its path; the suffix selects the format.

    `what` takes the values of `hmcos draw --what`; None is "rows" for the plan file of `compile_c`, else
    "schedule". Graphs can be written as .svg, .pdf, .png or .dot: Graphviz draws them where it is installed,
    otherwise this package does (with matplotlib, except for .svg). Memory, arena and rows are drawn by
    matplotlib as .svg, .pdf or .png. `scheduler` finds the order to show, `allocator` the arena; both stop
    after `time_limit` seconds. The other parameters are those of `schedule`.

    Raises:
        ToolError: a program or package that the picture needs is missing or failed.
        HmcosError: one of its other subclasses for any wrong input.
    """
    file, watch = Path(output), Watch(observer, interrupted)
    plan = _row_plan(model, what)
    what = what or ("schedule" if plan is None else "rows")
    form, picture = form_of(what, file), picture_called(what)
    if plan is not None:
        check_apart(file, identities(Path(str(plan.file))))
        write(file, drawn(row_scene(plan), what, form, watch))
        return file
    if picture.by_rows:
        opened = open_source(model, bind)
        check_apart(file, identities(*opened.files))
        wanted = CompileRequest(
            Naming(name_for(opened.stem)), Rows(alignment=alignment or 1), chosen_limits(time_limit)
        )
        write(file, drawn(row_scene(compiled(opened, wanted, watch).plan), what, form, watch))
        return file
    request = Request(
        chosen_target(target, kernels),
        scheduler=scheduler,
        limits=chosen_limits(time_limit),
        alignment=alignment,
        arena=ArenaRequest(allocator) if picture.arena else None,
    )
    opened = open_source(model, bind)
    check_apart(file, identities(*opened.files, *target_file(target)))
    write(file, drawn(_scene(picture, request, opened, watch), what, form, watch))
    return file


def _row_plan(model: Openable, what: str | None) -> RowPlan | None:
    """Return the row plan in a file; None for anything else.

    Raises:
        OptionError: another picture is asked for than the one of a row plan.
    """
    if not isinstance(model, str | PathLike) or not is_row_plan(Path(model)):
        return None
    if what not in (None, "rows"):
        raise OptionError(f"{model}: of a row plan, the picture is rows, not {what}; name the model instead")
    return read_row_plan(Path(model))


def _scene(picture: PictureKind, request: Request, opened: Opened, watch: Watch) -> Scene:
    """Return what a picture shows."""
    if not picture.ordered:
        return scene_of(opened.source, lowered(request, opened, watch.restarted())[0])
    solved = run(request, opened, watch)
    beside = [
        solved.network.find(scheduler_called(name), request.limits, watch.restarted())
        for name in picture.beside
        if name != request.scheduler
    ]
    return scene_with(solved, beside)


def report(
    plan: Plan | str | PathLike[str],
    *,
    model: str | PathLike[str] | None = None,
    output: str | PathLike[str] | None = None,
    time_limit: float | None = None,
    observer: Observer = SILENCE,
    interrupted: Callable[[], bool] = never,
) -> Path:
    """Write the page that explains a plan, or the plan in a file, and return its path.

    `model` is the planned network, if it has been moved since; `output` is the file to write, by default
    report.html beside the plan, or eyes.html beside eyes.plan.json. The search for a tiling stops after
    `time_limit` seconds (10 without a limit), and trying changes after as many again; both stop when
    `interrupted()` is true.

    A row plan needs neither model nor search, and its page needs no package.

    Raises:
        ToolError: plotly is not installed.
        HmcosError: one of its other subclasses for any wrong input.
    """
    if not isinstance(plan, Plan) and (rows := _row_plan(plan, None)) is not None:
        own = page_beside(Path(str(rows.file)))
        place = own if output is None else Path(output)
        check_file(place, [Path(str(rows.file))], "the plan")
        return write_rows_page(rows, place)
    plotly_script()
    read = plan if isinstance(plan, Plan) else read_plan(Path(plan))
    place = _place(read.file if isinstance(plan, Plan) else plan, output)
    check_file(place, files_of(read), "the plan")
    opened = source_of(read, "name it with --model") if model is None else opened_for(read, model)
    check_file(place, opened.files)
    solved, watch = restored(read, opened), Watch(observer, interrupted)
    watch.progress("advice", 0, 0, 0)
    limits = chosen_limits(time_limit)
    return write_page(explain_plan(solved, limits, watch.restarted(), tiling_limits(limits)), place)


def _place(file: str | PathLike[str] | None, output: str | PathLike[str] | None) -> Path:
    """Return the path of the page: `output` if given, otherwise beside the plan file."""
    if output is not None:
        return Path(output)
    if file is None:
        raise OptionError("the plan was not saved, so the page has no default place; name one with output")
    return Path(file).with_name(NAME)
