"""External data: the files beside a model that hold its weights."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath, PureWindowsPath

from onnx import TensorProto

from hmcos.errors import ModelError


def is_external(tensor: TensorProto) -> bool:
    """Return whether the tensor's values are in a data file."""
    return tensor.data_location == TensorProto.EXTERNAL


def data_files(tensors: Iterable[TensorProto], folder: Path | None) -> tuple[Path, ...]:
    """Return the data files of a model's tensors, relative to its folder, no repeats, in order of first use.

    No file is opened. Without a folder (a model in memory) only the text of the location is checked.

    Raises:
        ModelError: a location is missing, absolute, or leads out of the folder, also through a link.
    """
    files: dict[Path, None] = {}
    for tensor in tensors:
        if is_external(tensor):
            location = next((entry.value for entry in tensor.external_data if entry.key == "location"), "")
            _check_location(location, tensor.name)
            files[Path(location)] = None
    if folder is not None:
        home = folder.resolve()
        for file in files:
            _check_inside(file, home)
    return tuple(files)


def _check_location(location: str, name: str) -> None:
    where = f"tensor {name!r}"
    if not location or "\0" in location or not PurePosixPath(location).name:
        raise ModelError(f"{where} has external data, but names no file for it")
    windows = PureWindowsPath(location)
    if location.startswith("/") or windows.drive or windows.root or ".." in windows.parts:
        raise ModelError(
            f"{where} has its data in {location!r}, outside the folder of the model; move the file into it"
        )


def _check_inside(file: Path, home: Path) -> None:
    try:
        real = (home / file).resolve()
    except (OSError, RuntimeError) as error:
        raise ModelError(f"data file {str(file)!r} cannot be found: {error}") from error
    except UnicodeError as error:
        raise ModelError(
            f"data file {str(file)!r}: files cannot have this name in the locale at hand; set PYTHONUTF8=1"
        ) from error
    if not real.is_relative_to(home):
        raise ModelError(
            f"data file {str(file)!r} is a link out of the model's folder; put the file itself there"
        )
