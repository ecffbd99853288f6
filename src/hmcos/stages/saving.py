"""Writing a model and its plan: both appear, or neither."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from hmcos.errors import OutputError
from hmcos.frontends import loading
from hmcos.frontends.model import Model
from hmcos.plan.plan import Outputs, Plan
from hmcos.plan.plan_file import plan_text
from hmcos.plan.staging import output_errors, staged, write
from hmcos.stages.header import header_text
from hmcos.stages.opening import Opened


@dataclass(frozen=True, slots=True)
class Places:
    """Where results go."""

    folder: Path
    model: Path | None
    """None for a network that was given as a problem: there is no model to write."""
    plan: Path
    header: Path | None = None
    """None when no C header is wanted."""


def output_places(opened: Opened, folder: Path, *, header: bool = False) -> Places:
    """Return where the results go, checked before any search starts; writes nothing.

    Raises:
        OutputError: the folder cannot be written to, or a result would replace the source.
    """
    with output_errors(folder):
        _check_folder(folder)
        plan, model = folder / "plan.json", None
        _check_place(plan, opened, folder)
        if isinstance(opened.content, Model):
            model = folder / f"{opened.stem}.{opened.content.format}"
            _check_place(model, opened, folder)
        c_file = folder / f"{opened.stem}_arena.h" if header else None
        if c_file is not None:
            _check_place(c_file, opened, folder)
    return Places(folder, model, plan, c_file)


def _check_folder(folder: Path) -> None:
    standing = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    if not standing.is_dir():
        what = "is a file" if standing == folder else f"{standing} is a file"
        raise OutputError(f"{folder}: {what}; name a folder for the results")
    if not os.access(standing, os.W_OK | os.X_OK):
        raise OutputError(f"{folder}: no permission to write in {standing}")


def _check_place(place: Path, opened: Opened, folder: Path) -> None:
    if place.is_dir():
        raise OutputError(f"{place}: is a folder; choose another output folder")
    check_apart(place, opened)
    if any(os.path.normpath(place) == os.path.normpath(file) for file in _data_places(opened, folder)):
        raise OutputError(f"{place}: a data file of the model needs this name; rename the data file")


def _data_places(opened: Opened, folder: Path) -> list[Path]:
    """Return where the data files of the written model stand."""
    return [folder / file for file in opened.content.data_files] if isinstance(opened.content, Model) else []


def save(
    plan: Plan,
    opened: Opened,
    places: Places,
    started: float,
    offsets: Mapping[int, int] | None = None,
) -> Plan:
    """Return the plan with its outputs and seconds, after model and plan were written.

    `offsets` are bytes in the arena by tensor, for a format that holds them.
    `started` is when saving began and the plan's total ended, by `time.perf_counter`. The plan file
    is complete before the model is written and takes its place after it. The seconds in the file
    are those before the writing.

    Raises:
        OutputError: something cannot be written; then nothing is.
    """
    plan = replace(plan, outputs=_outputs(places))
    made = [place for place in (places.model, places.header) if place is not None]
    written = [*_data_places(opened, places.folder), *made]
    with _folder(places.folder), _undone(written), staged(places.plan, plan_text(plan).encode()):
        if places.model is not None and isinstance(opened.content, Model):
            orders = {"": plan.order} | {body.path: body.order for body in plan.bodies}
            loading.save(opened.content, orders, places.model, offsets)
        if places.header is not None:
            write(places.header, header_text(plan, opened.stem).encode())
    spent = time.perf_counter() - started
    seconds = replace(plan.seconds, save=plan.seconds.save + spent, total=plan.seconds.total + spent)
    return replace(plan, seconds=seconds)


def _outputs(places: Places) -> Outputs:
    return Outputs(*(str(p) if p else None for p in (places.model, places.plan, places.header)))


@contextmanager
def _folder(folder: Path) -> Generator[None]:
    """Make the folder, and unmake what was made of it when the block fails."""
    missing = [p for p in (folder, *folder.parents) if not p.exists()]
    try:
        with output_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for made in missing:
            with suppress(OSError):
                made.rmdir()
        raise


@contextmanager
def _undone(files: list[Path]) -> Generator[None]:
    """Remove those of the files that the block made, when it fails."""
    missing = [file for file in files if not file.exists()]
    try:
        yield
    except BaseException:
        for file in missing:
            file.unlink(missing_ok=True)
        raise


def check_apart(place: Path, opened: Opened) -> None:
    """Do nothing if a place for a result is not the source or one of its data files, links resolved.

    Raises:
        OutputError: it is.
    """
    for file in opened.files:
        if _same_file(place, file):
            raise OutputError(f"{place}: is the source or one of its data files; choose another place")


def _same_file(place: Path, file: Path) -> bool:
    """Return whether both are one file after all links are resolved."""
    with suppress(OSError):
        if place.samefile(file):
            return True
    return os.path.realpath(place) == os.path.realpath(file)
