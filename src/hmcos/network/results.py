"""The files that were written with a plan: found again, and told from those of another run."""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from hmcos.errors import OutputError, PlanError
from hmcos.plan.plan import Plan
from hmcos.staging import chunks


def check_written(plan: Plan, *, header: bool = False) -> tuple[str, ...]:
    """Return the names of the files beside a plan that were written with it, after they were compared.

    They are the model and its data files, and the C header where that is asked for. A run that was killed
    while it replaced the results of another one leaves some of both. A file that is gone is not named: nobody
    can take it for another.

    Raises:
        PlanError: a file beside the plan is not the one that was written with it.
    """
    folder = _folder(plan)
    if folder is None:
        return ()
    found: list[str] = []
    for name, digest in plan.outputs.sha256.items():
        if name == _name(plan.outputs.header) and not header:
            continue
        made = digest_of(folder / name)
        if made == digest:
            found.append(name)
        elif made is not None and not (
            # A plan that was moved may stand beside the source instead.
            name == _name(plan.outputs.model) and made == plan.source.original_sha256
        ):
            raise PlanError(
                f"{folder / name}: was not written with {plan.file}: a run was cut off there, or the file "
                "was changed since; schedule the model again"
            )
    return tuple(found)


def files_of(plan: Plan) -> tuple[Path, ...]:
    """Return the file of a plan, and those that were written with it, there or not."""
    folder = _folder(plan)
    if plan.file is None or folder is None:
        return ()
    written = [place for place in (plan.outputs.model, plan.outputs.header) if place is not None]
    names = dict.fromkeys([*plan.outputs.sha256, *(Path(place).name for place in written)])
    return (Path(plan.file), *(folder / name for name in names))


def written_model(plan: Plan) -> Path | None:
    """Return the model that was written with a plan, by its sha256; None where it is gone or not known."""
    for place in _model_places(plan):
        if plan.outputs.sha256.get(place.name, "") == digest_of(place):
            return place
    return None


def model_beside(plan: Plan) -> Path | None:
    """Return the model that was written with a plan, or else another one in its place; None if there is none.

    The source is no other one: a plan that was moved may stand beside it.
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
    """Return the sha256 of an ordinary file; None if there is none.

    Raises:
        PlanError: it cannot be read.
    """
    if not _is_file(file):
        return None
    digest = sha256()
    try:
        for part in chunks(file):
            digest.update(part)
    except OutputError as error:
        raise PlanError(str(error)) from error
    return digest.hexdigest()


def _is_file(path: Path) -> bool:
    """Return whether an ordinary file is there: a pipe could keep us waiting, and names may be too long."""
    with suppress(OSError, ValueError):
        return path.is_file()
    return False


def _folder(plan: Plan) -> Path | None:
    """Return where the files of a plan are: beside it, or where they were written if its model is there."""
    if plan.file is None:
        return None
    places = _model_places(plan)
    return next((place.parent for place in places if _is_file(place)), Path(plan.file).parent)


def _model_places(plan: Plan) -> list[Path]:
    """Return where the written model may be: beside the plan, and where it was written."""
    if plan.outputs.model is None:
        return []
    written = Path(plan.outputs.model)
    beside = [Path(plan.file).parent / written.name] if plan.file is not None else []
    return [*beside, written]


def _name(path: str | None) -> str | None:
    return None if path is None else Path(path).name
