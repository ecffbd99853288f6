"""Where generated code goes, checked before the search starts; and all of it written, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from hmcos.errors import OutputError, PlanError
from hmcos.log import Log
from hmcos.network.opening import Opened
from hmcos.network.sources import relative_source
from hmcos.plan.file.plan_file import read_source
from hmcos.plan.file.row_file import row_plan_text
from hmcos.plan.row_plan import CodeFiles, RowPlan
from hmcos.staging import check_reachable, identities, staged
from hmcos.tasks.compile.compiling import Compiled
from hmcos.tasks.places import check_apart, check_free
from hmcos.tasks.replacing import check_replaced

PLAN = ".plan.json"
"""Behind the stem of the C file, so that a folder can hold the code of several networks."""
OLD_PLAN = "plan.json"
"""Of code in a folder of its own, as older versions wrote it."""
_MARK, _BEGINNING = b"Made by hmcos", 2000
"""What code says of itself, and within how many bytes."""
_LOG = Log("hmcos.compile")


@dataclass(frozen=True, slots=True)
class CodePlaces:
    """Where the files go."""

    code: Path
    header: Path
    plan: Path
    page: Path | None = None
    """None for no page."""


def plan_beside(code: Path) -> Path:
    """Return where the plan of a C file is."""
    return code.with_name(f"{code.stem}{PLAN}")


def code_places(
    opened: Opened, file: Path, name: str, *, page: str | None = None, overwrite: bool = False
) -> CodePlaces:
    """Return where code, header and plan go: side by side; write nothing.

    `name` is that of the code, which includes its header as NAME.h; `page` the file name of the page that
    explains the plan, None for no page.

    Raises:
        OutputError: the file is no .c file, a place is blocked, or a result would replace the model or,
            without `overwrite`, the plan or the header of other code, or a file that hmcos did not make.
    """
    if file.suffix.lower() != ".c":
        raise OutputError(f"{file}: name the C file, such as {file.with_suffix('.c').name or 'model.c'}")
    folder = file.parent
    places = CodePlaces(file, folder / f"{name}.h", plan_beside(file), folder / page if page else None)
    check_reachable(folder, "name a folder for the results", folder=True)
    read = identities(*opened.files)
    for place in (places.code, places.header, places.plan, *((places.page,) if places.page else ())):
        check_free(place)
        check_apart(place, read)
    if not overwrite:
        check_replaced(places.plan, opened, "file")
        _check_neighbours(places, opened)
        for place in (places.code, places.header):
            _check_made(place)
    return places


def _check_neighbours(places: CodePlaces, opened: Opened) -> None:
    """Check that neither code nor header are named by another plan in the folder.

    Raises:
        OutputError: they are.
    """
    folder = places.plan.parent
    for plan in (*sorted(folder.glob(f"*{PLAN}")), folder / OLD_PLAN):
        if plan == places.plan or not plan.is_file():
            continue
        try:
            source, outputs = read_source(plan)
        except PlanError:
            continue
        if plan.name == OLD_PLAN and places.code.name in outputs.sha256:
            check_replaced(plan, opened, "file")  # of the same source it is left behind
        elif places.header.name in outputs.sha256:
            raise OutputError(
                f"{places.header}: belongs to the code of {plan.name}, which is made of {source.name!r}; "
                "choose another name with --name, or replace it with --overwrite"
            )


def _check_made(place: Path) -> None:
    """Check that nobody wrote by hand what would be replaced.

    Raises:
        OutputError: it does not say that hmcos made it.
    """
    with suppress(OSError, ValueError):  # what cannot be read is told when it cannot be written
        if place.is_file():
            with place.open("rb") as file:
                is_made = _MARK in file.read(_BEGINNING)
            if not is_made:
                raise OutputError(
                    f"{place}: was not made by hmcos; choose another file, or replace it with --overwrite"
                )


def save(result: Compiled, places: CodePlaces, page: Callable[[RowPlan], str] | None = None) -> Compiled:
    """Write code, header and plan, and return the result with their places.

    The plan comes last and holds the sha256 of code and header. `page` returns the page that explains it.

    Raises:
        OutputError: a file cannot be written; then none is.
    """
    with staged(places.plan.parent) as staging:
        digests = {
            places.code.name: staging.add(places.code, result.source.encode()),
            places.header.name: staging.add(places.header, result.header.encode()),
        }
        files = CodeFiles(str(places.code), str(places.header), str(places.plan), digests)
        source = relative_source(result.plan.source, places.plan)
        plan = replace(result.plan, source=source, files=files, file=str(places.plan.absolute()))
        if places.page is not None and page is not None:
            staging.add(places.page, page(plan).encode())
        staging.add(places.plan, row_plan_text(plan).encode())
    _LOG.info("written to %s", places.plan.parent)
    return replace(result, plan=plan)
