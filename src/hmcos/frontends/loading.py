"""The formats that hmcos reads and writes, by file suffix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import cast

from hmcos.errors import ModelError
from hmcos.frontends.copying import check_outputs, copy_data, data_files_beside
from hmcos.frontends.format import Format, Loadable, Serializable
from hmcos.frontends.indices import Range
from hmcos.frontends.model import Model
from hmcos.frontends.outline import Outline
from hmcos.registry import imported
from hmcos.staging import staged

SUFFIXES: dict[str, str] = {".onnx": "onnx", ".tflite": "tflite", ".pt2": "pt2"}
"""File suffix, in lower case, to format."""

FORMATS: dict[str, str] = {
    "onnx": "hmcos.frontends.onnx.format:ONNX",
    "tflite": "hmcos.frontends.tflite.format:TFLITE",
    "pt2": "hmcos.frontends.torch.format:TORCH",
}
"""Name of a format to "module:value", imported on demand."""

OBJECTS: dict[str, str] = {"torch.export.exported_program:ExportedProgram": "pt2"}
"""Class of a model in memory, as "module:name", to format; all others are read as ONNX."""


def format_called(name: str) -> Format:
    """Return the format with a name, which must exist."""
    return cast(Format, imported(FORMATS[name]))


def load(source: Loadable, bind: Mapping[str, int] | None = None) -> Model:
    """Return the model in a file, or in an object with `SerializeToString` (read as ONNX).

    `bind` gives sizes to symbolic dimensions.

    Raises:
        ModelError: the source is not a model, or cannot be scheduled.
        OptionError: `bind` names an unknown dimension, or a size that is not positive.
    """
    return format_of(source).load(source, bind)


def borrow(source: Loadable, bind: Mapping[str, int] | None = None) -> Model:
    """Return the model of `load`, of which only the network will be used, before the source can change.

    An object in memory need not be copied, and then the model has no digests.
    """
    return format_of(source).borrowed(source, bind)


def outline(source: Loadable, bind: Mapping[str, int]) -> Outline:
    """Return what is known about a model that `load` refuses because sizes are unknown."""
    return format_of(source).outline(source, bind)


def ranges(model: Model) -> dict[int, Range]:
    """Return the least and the greatest number in each small parameter of a model's network, by tensor."""
    return format_called(model.format).ranges(model)


def save(
    model: Model,
    orders: Mapping[str, Sequence[int]],
    path: Path,
    offsets: Mapping[int, int] | None = None,
) -> None:
    """Write the model's source with its nodes permuted, and its data files beside it, for temporary use.

    A crash of the system may leave a part of it; `tasks.schedule.saving` writes results that must last.

    `orders` holds node numbers in the new order; the key is empty for the main graph and a path such as
    `node 17/then_branch` for a body. `offsets` are bytes in the arena by tensor, for a format that
    holds them.

    Raises:
        OptionError: an order is not a permutation, or is for a graph that the model does not have.
        OutputError: the path is the source or one of its data files, or cannot be written.
    """
    content = serialised(model, orders, offsets)
    check_outputs(model, [path])
    data = data_files_beside(model, path)
    check_outputs(model, [file.target for file in data if not file.stands])
    with staged(path.parent, lasting=False) as staging:
        copy_data(data, staging)
        staging.add(path, content)


def serialised(
    model: Model, orders: Mapping[str, Sequence[int]], offsets: Mapping[int, int] | None = None
) -> bytes:
    """Return the bytes of the model's source with its nodes permuted; the arguments are those of `save`.

    Raises:
        OptionError: an order is not a permutation, or is for a graph that the model does not have.
        OutputError: the model cannot be written in this format again without loss.
    """
    return format_called(model.format).reordered(model, orders, offsets)


def format_of(source: Loadable) -> Format:
    """Return the format of a file, by its suffix, or of an object in memory by its class.

    Raises:
        ModelError: no format has this suffix.
    """
    if not isinstance(source, str | PathLike):
        return format_called(_format_by_class(source) or "onnx")
    path = Path(source)
    if path.suffix.lower() not in SUFFIXES:
        with suppress(OSError):
            if path.is_dir():
                raise ModelError(f"{path}: is a directory; name the model file in it")
        known = ", ".join(SUFFIXES)
        raise ModelError(f"{path}: the suffix {path.suffix!r} names no known format; there are {known}")
    return format_called(SUFFIXES[path.suffix.lower()])


def can_read(source: object) -> bool:
    """Return whether a value is of a kind that formats load; it may still be wrong."""
    return isinstance(source, str | PathLike | Serializable) or _format_by_class(source) is not None


def _format_by_class(source: object) -> str | None:
    """Return the format that tells its models in memory by their class; None where none does."""
    classes = (f"{each.__module__}:{each.__qualname__}" for each in type(source).__mro__)
    return next((OBJECTS[name] for name in classes if name in OBJECTS), None)
