"""The page of a plan that was saved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from os import PathLike
from pathlib import Path
from time import perf_counter

from hmcos.errors import OptionError
from hmcos.plan.limits import SILENCE, Observer, never
from hmcos.plan.plan import Plan
from hmcos.plan.plan_file import read_plan
from hmcos.report.page.writing import NAME, plotly_script, write_page
from hmcos.stages.choices import chosen_limits
from hmcos.stages.explaining import explain_plan
from hmcos.stages.places import check_file
from hmcos.stages.planned import network_of, opened_for
from hmcos.stages.sources import source_of
from hmcos.stages.written import files_of


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

    `model` is the network that was planned, if it is elsewhere by now; `output` is the file to write, by
    default report.html beside the plan. Advice ends after `time_limit` seconds, or when `interrupted()`.

    Raises:
        ToolError: plotly is not installed.
        HmcosError: one of its other subclasses for any wrong input.
    """
    plotly_script()
    found = plan if isinstance(plan, Plan) else read_plan(Path(plan))
    place = _place(found.file if isinstance(plan, Plan) else plan, output)
    check_file(place, files_of(found), "the plan")
    opened = source_of(found, "name it with --model") if model is None else opened_for(found, model)
    check_file(place, opened.files)
    limits = chosen_limits(time_limit, interrupted=interrupted)
    network = network_of(found, opened)
    observer.progress("advice", 0, 0, 0)
    return write_page(explain_plan(network, found, replace(limits, started=perf_counter())), place)


def _place(file: str | PathLike[str] | None, output: str | PathLike[str] | None) -> Path:
    """Return where the page goes: where it was asked for, else beside the file of the plan."""
    if output is not None:
        return Path(output)
    if file is None:
        raise OptionError("the plan is in no file that a page could stand beside; name the page with output")
    return Path(file).with_name(NAME)
