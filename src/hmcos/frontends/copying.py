"""The data files of a model, and where a written model needs them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hmcos.errors import OutputError
from hmcos.frontends.model import Model
from hmcos.staging import Staging, digest_of_file, identities, output_errors


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file that holds weights of a model, and where the written model looks for it."""

    location: Path
    """Path in both models, relative to the folder of each."""
    source: Path
    target: Path
    stands: bool
    """Whether source and target are the same file."""


def data_files_beside(model: Model, path: Path) -> tuple[DataFile, ...]:
    """Return the data files that a model needs beside it if written to a path; write nothing.

    Raises:
        OutputError: one is missing or cannot be read, or its new place is outside the folder of the path.
    """
    return tuple(_beside(model, file, path.parent) for file in model.data_files)


def _beside(model: Model, location: Path, folder: Path) -> DataFile:
    target = folder / location
    source = target if model.path is None else model.path.parent / location
    # The system's message would not name the file; a name may be too long, or a folder not readable.
    with output_errors(source, "cannot be read"):
        exists = source.is_file()
    if not exists and model.path is None:
        raise OutputError(f"{target}: is missing; a model in memory does not know the folder of its data")
    if not exists:
        raise OutputError(f"{source}: is missing; the model keeps its parameters in it")
    if not os.access(source, os.R_OK):
        raise OutputError(f"{source}: no permission to read it; the model keeps its parameters in it")
    with output_errors(target):
        stands = target.exists() and target.samefile(source)
        inside = Path(os.path.realpath(target.parent)).is_relative_to(os.path.realpath(folder))
    if not stands and not inside:
        raise OutputError(
            f"{target}: its folder is a link that leads out of the output folder; remove the link"
        )
    return DataFile(location, source, target, stands)


def copy_data(files: Iterable[DataFile], staging: Staging) -> dict[str, str]:
    """Copy the data files that are not in place yet, and return the sha256 of all by location.

    Raises:
        OutputError: a file cannot be read, or its copy cannot be written.
    """
    return {file.location.as_posix(): _copied(file, staging) for file in files}


def _copied(file: DataFile, staging: Staging) -> str:
    if not file.stands:
        return staging.copy(file.source, file.target)
    return digest_of_file(file.source)


def check_outputs(model: Model, paths: Iterable[Path]) -> None:
    """Check that writing files at these paths does not overwrite the model's own files.

    Raises:
        OutputError: with links resolved, a path is the source, one of its data files, or a directory.
    """
    home = None if model.path is None else model.path.parent
    itself = frozenset[object]() if model.path is None else identities(model.path)
    data = frozenset[object]() if home is None else identities(*(home / file for file in model.data_files))
    for path in paths:
        if path.is_dir():
            raise OutputError(f"{path}: is a directory; name a file in it")
        known = identities(path)
        if not known.isdisjoint(itself):
            raise OutputError(f"{path}: is the model itself; choose another output path")
        if not known.isdisjoint(data):
            raise OutputError(f"{path}: is a data file of the model; choose another output path")
