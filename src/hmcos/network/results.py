"""Find the files that were written with a plan, and detect those of another run."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from hmcos.errors import OutputError, PlanError
from hmcos.plan.plan import Plan
from hmcos.staging import digest_of_file


def check_written(plan: Plan, *, header: bool = False) -> tuple[str, ...]:
    """Compare the files beside a plan with those written with it, and return the names of those present.

    These are the model and its data files, and with `header` the C header. A run that is killed while it
    replaces the results of another run leaves files of both. A missing file is no error and is left out.

    Raises:
        PlanError: a file beside the plan differs from the one written with it.
    """
    folder = _folder(plan)
    if folder is None:
        return ()
    names: list[str] = []
    for name, digest in plan.outputs.sha256.items():
        if name == _name(plan.outputs.header) and not header:
            continue
        made = digest_of(folder / name)
        if made == digest:
            names.append(name)
        elif made is not None and not (
            # A moved plan may lie beside the source instead.
            name == _name(plan.outputs.model) and made == plan.source.original_sha256
        ):
            raise PlanError(
                f"{folder / name}: was not written with {plan.file}: a run was interrupted, or the file was "
                "changed since; run hmcos schedule again"
            )
    return tuple(names)


def files_of(plan: Plan) -> tuple[Path, ...]:
    """Return the plan file and the files that were written with it, whether they still exist or not."""
    folder = _folder(plan)
    if plan.file is None or folder is None:
        return ()
    written = [place for place in (plan.outputs.model, plan.outputs.header) if place is not None]
    names = dict.fromkeys([*plan.outputs.sha256, *(Path(place).name for place in written)])
    return (Path(plan.file), *(folder / name for name in names))


def written_model(plan: Plan) -> Path | None:
    """Return the model that was written with a plan, by its sha256; None if it is missing or unknown."""
    for place in _model_places(plan):
        if plan.outputs.sha256.get(place.name, "") == digest_of(place):
            return place
    return None


def model_beside(plan: Plan) -> Path | None:
    """Return the model that was written with a plan, or any other in its place; None if there is none.

    The source does not count as another model: a moved plan may lie beside it.
    """
    places = [(place, digest_of(place)) for place in _model_places(plan)]
    wanted = plan.outputs.sha256
    likely = [place for place, digest in places if digest is not None and digest == wanted.get(place.name)]
    others = [
        place
        for place, digest in places
        if digest is not None and not (wanted and digest == plan.source.original_sha256)
    ]
    return next(iter([*likely, *others]), None)


def digest_of(file: Path) -> str | None:
    """Return the sha256 of an ordinary file; None if the path is not one.

    Raises:
        PlanError: it cannot be read.
    """
    if not _is_file(file):
        return None
    try:
        return digest_of_file(file)
    except OutputError as error:
        raise PlanError(str(error)) from error


def _is_file(path: Path) -> bool:
    """Return whether a path is an ordinary file: a pipe could block, and long names must not raise."""
    with suppress(OSError, ValueError):
        return path.is_file()
    return False


def _folder(plan: Plan) -> Path | None:
    """Return the folder of a plan's files: that of the plan, or of the written model if it is elsewhere."""
    if plan.file is None:
        return None
    places = _model_places(plan)
    return next((place.parent for place in places if _is_file(place)), Path(plan.file).parent)


def _model_places(plan: Plan) -> list[Path]:
    """Return the paths where the written model may be: beside the plan, or where it was written."""
    if plan.outputs.model is None:
        return []
    written = Path(plan.outputs.model)
    beside = [Path(plan.file).parent / written.name] if plan.file is not None else []
    return [*beside, written]


def _name(path: str | None) -> str | None:
    return None if path is None else Path(path).name
