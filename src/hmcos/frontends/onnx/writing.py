"""From a Model and an order back to an ONNX file: the source with its nodes permuted, and nothing else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from google.protobuf.message import EncodeError
from onnx import GraphProto, ModelProto

from hmcos.errors import OptionError, OutputError
from hmcos.frontends.copying import data_files_beside
from hmcos.frontends.model import Model
from hmcos.frontends.onnx.bodies import graphs


def save(model: Model, orders: Mapping[str, Sequence[int]], path: Path) -> None:
    """Write the source of a model with its nodes permuted, and its data files beside it.

    `orders` holds node numbers in the new order; the key is empty for the main graph and a path such as
    `node 17/then_branch/node 3/body` for a body. Numbers in paths are those of the source. Data files are
    copied. Nothing is written unless everything is.

    Raises:
        OptionError: an order is no permutation, or belongs to no graph of the model.
        OutputError: the path is the source or one of its data files, or cannot be written.
    """
    content = _permuted(model.proto, orders)
    check_output(model, path)
    data = data_files_beside(model, path)
    moves: list[tuple[Path, Path]] = []
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for file in data:
            if not file.stands:
                check_output(model, file.target)
                file.target.parent.mkdir(parents=True, exist_ok=True)
                moves.append((_temporary(file.target), file.target))
                _copy(file.source, *moves[-1])
        moves.append((_temporary(path), path))
        moves[-1][0].write_bytes(content)
        for temporary, target in moves:
            temporary.replace(target)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        for temporary, _ in moves:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def _copy(source: Path, temporary: Path, target: Path) -> None:
    """Copy a data file; not a hard link: onnx refuses files that have more than one, also the source's."""
    try:
        shutil.copyfile(source, temporary)
    except OSError as error:
        raise OutputError(f"{source}: cannot be copied to {target}: {error.strerror or error}") from error


def check_output(model: Model, path: Path) -> None:
    """Check that a file may be written at a path without harm to the model's own files.

    Raises:
        OutputError: after resolving links, the path is the source or one of its data files, or a directory.
    """
    if path.is_dir():
        raise OutputError(f"{path}: is a directory; name a file in it")
    if model.path is None:
        return
    home = model.path.parent
    target = path.resolve()
    if target == model.path.resolve():
        raise OutputError(f"{path}: is the model itself; choose another output path")
    if any(target == (home / file).resolve() for file in model.data_files):
        raise OutputError(f"{path}: is a data file of the model; choose another output path")


def _permuted(proto: object, orders: Mapping[str, Sequence[int]]) -> bytes:
    if not isinstance(proto, ModelProto):
        raise OptionError("the model was not loaded from ONNX, so that it cannot be saved as ONNX")
    copy = ModelProto()
    copy.CopyFrom(proto)
    # All graphs are looked up before any is permuted, so that paths mean positions in the source.
    found = {where: graph for where, graph in graphs(copy.graph) if where in orders}
    for where, order in orders.items():
        if where not in found:
            raise OptionError(f"the model has no body {where!r} to order")
        _permute(found[where], order, where)
    try:
        return copy.SerializeToString()
    except (EncodeError, ValueError) as error:
        raise OutputError(f"the model cannot be serialised: {error}") from error


def _permute(graph: GraphProto, order: Sequence[int], where: str) -> None:
    if sorted(order) != list(range(len(graph.node))):
        name = where or "the main graph"
        raise OptionError(f"the order of {name} must list each of its {len(graph.node)} nodes exactly once")
    place = [0] * len(order)
    for position, number in enumerate(order):
        place[number] = position
    # Sorting moves the messages themselves, unknown fields included; keys are asked for in source order.
    places = iter(place)
    graph.node.sort(key=lambda _: next(places))


def _temporary(target: Path) -> Path:
    return target.with_name(f".{target.name}.{os.getpid()}.part")
