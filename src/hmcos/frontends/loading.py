"""The formats that hmcos reads and writes, by file suffix."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

from hmcos.errors import ModelError
from hmcos.frontends.copying import check_outputs, copy_data, data_files_beside
from hmcos.frontends.indices import Range
from hmcos.frontends.model import Model
from hmcos.frontends.outline import Outline
from hmcos.plan.staging import staged

SUFFIXES: dict[str, str] = {".onnx": "onnx", ".tflite": "tflite"}
"""File suffix, in lower case, to format."""

LOADERS: dict[str, str] = {"onnx": "hmcos.frontends.onnx:load", "tflite": "hmcos.frontends.tflite:load"}
"""Format to "module:function", imported on demand."""

SERIALISERS: dict[str, str] = {
    "onnx": "hmcos.frontends.onnx:serialised",
    "tflite": "hmcos.frontends.tflite:serialised",
}
"""Format to "module:function", imported on demand."""

OUTLINES: dict[str, str] = {"onnx": "hmcos.frontends.onnx.outline:outline"}
"""Format to "module:function", imported on demand."""

RANGES: dict[str, str] = {
    "onnx": "hmcos.frontends.onnx.ranges:parameter_ranges",
    "tflite": "hmcos.frontends.tflite.ranges:parameter_ranges",
}
"""Format to "module:function", imported on demand."""


@runtime_checkable
class Serializable(Protocol):
    """A model in memory, such as an onnx.ModelProto."""

    def SerializeToString(self) -> bytes:  # noqa: N802 (protobuf's spelling)
        """Return the model as the bytes of a file."""
        ...


def load(source: str | PathLike[str] | Serializable, bind: Mapping[str, int] | None = None) -> Model:
    """Return the model in a file, or in an object with `SerializeToString` (read as ONNX).

    `bind` gives symbolic dimensions a size.

    Raises:
        ModelError: the source is no model, or says something that cannot be scheduled.
        OptionError: `bind` names no dimension of the model, or gives it no positive size.
    """
    loader = cast("Callable[[object, Mapping[str, int] | None], Model]", _find(LOADERS[_format(source)]))
    return loader(source, bind)


def outline(source: str | PathLike[str] | Serializable, bind: Mapping[str, int]) -> Outline:
    """Return what can be told about a model of which `load` says that sizes are unknown."""
    find = cast("Callable[[object, Mapping[str, int]], Outline]", _find(OUTLINES[_format(source)]))
    return find(source, bind)


def ranges(model: Model) -> dict[int, Range]:
    """Return the least and the greatest number in each small parameter of a model's network, by tensor."""
    find = cast("Callable[[Model], dict[int, Range]]", _find(RANGES[model.format]))
    return find(model)


def save(
    model: Model,
    orders: Mapping[str, Sequence[int]],
    path: Path,
    offsets: Mapping[int, int] | None = None,
) -> None:
    """Write the model's source with its nodes permuted, and its data files beside it, for a while.

    A crash of the system may leave some of it; results that must last are `stages.saving`'s.

    `orders` holds node numbers in the new order; the key is empty for the main graph and a path such as
    `node 17/then_branch` for a body. `offsets` are bytes in the arena by tensor, for a format that
    holds them.

    Raises:
        OptionError: an order is no permutation, or belongs to no graph of the model.
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
    """Return the bytes of the model's source with its nodes permuted; all is as for `save`.

    Raises:
        OptionError: an order is no permutation, or belongs to no graph of the model.
        OutputError: the format cannot express the model again.
    """
    serialise = cast("Callable[..., bytes]", _find(SERIALISERS[model.format]))
    return serialise(model, orders, offsets)


def _format(source: str | PathLike[str] | Serializable) -> str:
    if not isinstance(source, str | PathLike):
        return "onnx"
    path = Path(source)
    if path.suffix.lower() not in SUFFIXES:
        with suppress(OSError):
            if path.is_dir():
                raise ModelError(f"{path}: is a directory; name the model file in it")
        known = ", ".join(SUFFIXES)
        raise ModelError(f"{path}: the suffix {path.suffix!r} names no known format; there are {known}")
    return SUFFIXES[path.suffix.lower()]


def _find(place: str) -> object:
    module, function = place.split(":")
    return cast(object, getattr(import_module(module), function))
