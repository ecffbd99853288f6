"""Where results go, checked before any search: no place is blocked, and no input would be replaced."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hmcos.errors import OutputError
from hmcos.frontends.copying import DataFile, data_files_beside
from hmcos.memory.target import Target
from hmcos.network.opening import Opened
from hmcos.staging import check_reachable, identities
from hmcos.tasks.replacing import check_replaced


@dataclass(frozen=True, slots=True)
class Places:
    """Where results go."""

    folder: Path
    model: Path | None
    """None for a problem: there is no model to write."""
    plan: Path
    header: Path | None = None
    """None if no C header is wanted."""
    data: tuple[DataFile, ...] = ()
    """The data files that the written model needs in its folder."""


def output_places(
    opened: Opened,
    folder: Path,
    *,
    header: bool = False,
    beside: Iterable[str] = (),
    inputs: Iterable[Path] = (),
    overwrite: bool = False,
) -> Places:
    """Return where the results go; write nothing.

    `beside` are the names of further files that the caller will write into the folder, `inputs` the files
    that it read besides the network.

    Raises:
        OutputError: the folder cannot be written to, a place is blocked, or a result would replace an input,
            a data file that the written model needs, or, without `overwrite`, the plan of another source.
    """
    check_reachable(folder, "name a folder for the results", folder=True)
    model = None if opened.model is None else folder / f"{opened.stem}.{opened.model.format}"
    plan, c_file = folder / "plan.json", folder / f"{opened.stem}_arena.h" if header else None
    results = [place for place in (plan, model, c_file, *(folder / name for name in beside)) if place]
    read = identities(*opened.files, *inputs)
    for place in results:
        check_free(place)
        check_apart(place, read)
    data: tuple[DataFile, ...] = ()
    if model is not None and opened.model is not None:
        data = data_files_beside(opened.model, model)
    for file in data:
        _check_data_file(file, results, read)
    if not overwrite:
        check_replaced(plan, opened)
    return Places(folder, model, plan, c_file, data)


def check_free(place: Path) -> None:
    """Check that a file can be written at a place; its parent folders may still be missing.

    Raises:
        OutputError: the file cannot be written; says why.
    """
    # Comes first, since its message differs from that of a folder without permission.
    with suppress(OSError, ValueError):
        if place.is_dir():
            raise OutputError(f"{place}: is a folder; name a file")
    check_reachable(place, "name another place")
    if place.exists() and not place.is_file():
        raise OutputError(f"{place}: is a device or a pipe; name an ordinary file")


def check_file(place: Path, inputs: Iterable[Path] = (), owner: str = "the source") -> None:
    """Check that a single file can be written at a place, and that it is none of the inputs.

    Raises:
        OutputError: its folder is missing, the place is blocked, or it is an input (also through links).
    """
    check_free(place)
    if not place.absolute().parent.is_dir():
        raise OutputError(f"{place}: there is no folder {place.parent}; make it first")
    check_apart(place, identities(*inputs), owner)


def check_apart(place: Path, inputs: Set[object], owner: str = "the source") -> None:
    """Check that a place for a result is none of the inputs, which are `identities` of the owner's files.

    Raises:
        OutputError: the place is an input.
    """
    if not identities(place).isdisjoint(inputs):
        raise OutputError(f"{place}: is {owner} or one of its files; choose another place")


def target_file(target: str | os.PathLike[str] | Target) -> tuple[Path, ...]:
    """Return the file that a target is read from; nothing if it is not from a file."""
    if isinstance(target, Target):
        return ()
    with suppress(OSError, ValueError):
        if Path(target).is_file():
            return (Path(target),)
    return ()


def _check_data_file(file: DataFile, results: Sequence[Path], inputs: Set[object]) -> None:
    """Check that a data file can be copied to its place beside the written model.

    Names that differ only in case count as equal, as they are on many file systems.

    Raises:
        OutputError: the place is taken by a result or by another input.
    """
    first, home = file.location.parts[0], file.target.parents[len(file.location.parts) - 1]
    for place in results:
        if place.parent == home and _folded(place.name) == _folded(first):
            raise OutputError(f"{place}: a data file of the model needs this name; rename the data file")
    check_free(file.target)
    if not file.stands:
        check_apart(file.target, inputs)


def _folded(name: str) -> str:
    """Return a name such that two names are equal if any file system treats them as the same."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
