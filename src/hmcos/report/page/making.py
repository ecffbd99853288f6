"""The page of a plan that was saved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike, fspath
from pathlib import Path

from hmcos import api
from hmcos.errors import OptionError, OutputError
from hmcos.plan.limits import SILENCE, Observer, never
from hmcos.plan.plan import Plan
from hmcos.plan.plan_file import read_plan
from hmcos.report.page.writing import NAME, plotly_script, write_page


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
    file = None if isinstance(plan, Plan) else Path(plan)
    found = plan if isinstance(plan, Plan) else read_plan(Path(plan))
    file = file or (Path(found.outputs.plan) if found.outputs.plan else None)
    source = fspath(model or found.source.name)
    if source.startswith("<"):
        raise OptionError(f"{file or 'the plan'}: the model was given in memory; name its file with --model")
    place = _place(file, output)
    _check_apart(place, [one for one in (file, Path(source)) if one is not None])
    told = api.explain(source, found, time_limit=time_limit, observer=observer, interrupted=interrupted)
    return write_page(told, place)


def _place(file: Path | None, output: str | PathLike[str] | None) -> Path:
    """Return where the page goes: where it was asked for, else beside the file of the plan."""
    if output is not None:
        place = Path(output)
    elif file is not None:
        place = file.with_name(NAME)
    else:
        raise OptionError("the plan is in no file that a page could stand beside; name the page with output")
    if place.is_dir():
        raise OutputError(f"{place}: is a folder; name a file")
    return place


def _check_apart(place: Path, files: Sequence[Path]) -> None:
    if any(place.exists() and file.exists() and place.samefile(file) for file in files):
        raise OutputError(f"{place}: is the plan or the model; choose another place")
