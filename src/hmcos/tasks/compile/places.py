"""Where generated code goes, checked before the search starts; and all of it written, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from hmcos.errors import OutputError
from hmcos.log import Log
from hmcos.network.opening import Opened
from hmcos.network.sources import relative_source
from hmcos.plan.file.row_file import row_plan_text
from hmcos.plan.row_plan import CodeFiles, RowPlan
from hmcos.staging import check_reachable, identities, staged
from hmcos.tasks.compile.compiling import Compiled
from hmcos.tasks.places import check_apart, check_free
from hmcos.tasks.replacing import check_replaced

PLAN = "plan.json"
_LOG = Log("hmcos.compile")


@dataclass(frozen=True, slots=True)
class CodePlaces:
    """Where the files go."""

    code: Path
    header: Path
    plan: Path
    page: Path | None = None
    """None for no page."""


def code_places(
    opened: Opened, file: Path, name: str, *, page: str | None = None, overwrite: bool = False
) -> CodePlaces:
    """Return where code, header and plan go: side by side; write nothing.

    `name` is that of the code, which includes its header as NAME.h; `page` the file name of the page that
    explains the plan, None for no page.

    Raises:
        OutputError: the file is no .c file, a place is blocked, or a result would replace the model or,
            without `overwrite`, the plan of another source.
    """
    if file.suffix.lower() != ".c":
        raise OutputError(f"{file}: name the C file, such as {file.with_suffix('.c').name or 'model.c'}")
    folder = file.parent
    places = CodePlaces(file, folder / f"{name}.h", folder / PLAN, folder / page if page else None)
    check_reachable(folder, "name a folder for the results", folder=True)
    read = identities(*opened.files)
    for place in (places.code, places.header, places.plan, *((places.page,) if places.page else ())):
        check_free(place)
        check_apart(place, read)
    if not overwrite:
        check_replaced(places.plan, opened)
    return places


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
