"""Exported programs as models, and back: read, outlined and written with their nodes permuted."""

from __future__ import annotations

import io
import operator
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import cast

import torch
from torch.export import ExportedProgram

from hmcos.errors import ModelError, OptionError, OutputError
from hmcos.frontends.model import Model
from hmcos.frontends.model_file import check_model_file
from hmcos.frontends.outline import Outline, Port
from hmcos.frontends.torch.archive import Archive, open_archive
from hmcos.frontends.torch.arranging import rearranged
from hmcos.frontends.torch.binding import bound_inputs, check_bind, symbols
from hmcos.frontends.torch.building import Traced, returned
from hmcos.frontends.torch.kinds import kind_of
from hmcos.frontends.torch.permuting import orders_between, permuted
from hmcos.frontends.torch.private import storage_address, with_graph
from hmcos.frontends.torch.programs import Program, digest_of_memory, program_in_memory, read_program
from hmcos.frontends.torch.quiet import quiet
from hmcos.frontends.torch.tracing import FORMAT, traced
from hmcos.staging import digest_of_file
from hmcos.words import first_line


@dataclass(frozen=True)
class Source:
    """What an exported program became: `Model.proto` of its model."""

    program: Program
    trace: Traced


def load(source: object, bind: Mapping[str, int] | None) -> Model:
    """Return the model in a file or in memory; see `Format.load`."""
    given = dict(bind or {})
    place = Path(cast("str | PathLike[str]", source)) if isinstance(source, str | PathLike) else None
    title = "the exported program" if place is None else str(place)
    try:
        if place is not None:
            path = check_model_file(place)
            with quiet():
                return _model(read_program(path), path, digest_of_file(path), given)
        program = cast(ExportedProgram, source)
        return _model(program_in_memory(program), None, digest_of_memory(program), given)
    except (ModelError, OptionError) as error:
        raise type(error)(f"{title}: {error}") from error.__cause__


def _model(program: Program, path: Path | None, digest: str, bind: Mapping[str, int]) -> Model:
    check_bind(program, bind)
    inputs = bound_inputs(program, bind)
    values = [inputs.get(node.name, program.parameters.get(node.name)) for node in program.placeholders]
    trace = traced(program.module, values, parameters=program.parameters, symbols=symbols(program))
    return Model(
        graph=trace.graph,
        path=path,
        format=FORMAT,
        sha256=digest,
        original_sha256=digest,
        inlined=False,
        data_files=(),
        bind=bind,
        parameter_bytes=parameter_bytes(program),
        file_bytes=path.stat().st_size if path is not None else 0,
        proto=Source(program, trace),
    )


def parameter_bytes(program: Program) -> int:
    """Return the bytes of the weights and constants of a program, tied ones once."""
    if program.archive is not None:
        return sum(sum(program.archive.sizes(kind).values()) for kind in ("weights", "constants"))
    storages = {
        storage_address(tensor): tensor.untyped_storage().nbytes()
        for tensor in program.parameters.values()
        if isinstance(tensor, torch.Tensor)
    }
    return sum(storages.values())


def outline(source: object, bind: Mapping[str, int]) -> Outline:
    """Return what is known about a program while symbols are unbound; see `Format.outline`."""
    if isinstance(source, str | PathLike):
        with quiet():
            program = read_program(Path(cast("str | PathLike[str]", source)))
    else:
        program = program_in_memory(cast(ExportedProgram, source))
    nodes = [node for node in program.module.graph.nodes if node.op.startswith("call_")]
    kinds = Counter(
        kind_of(node, program.module).name for node in nodes if node.target is not operator.getitem
    )
    return Outline(
        inputs=tuple(_port(name, value, bind) for name, value in program.inputs.items()),
        outputs=tuple(_port(node.name, node.meta.get("val"), bind) for node in returned(program.module)),
        kinds=dict(sorted(kinds.items(), key=lambda item: (-item[1], item[0]))),
        parameters=len(program.parameters),
        parameter_bytes=parameter_bytes(program),
        symbols=symbols(program),
    )


def _port(name: str, value: object, bind: Mapping[str, int]) -> Port:
    if not isinstance(value, torch.Tensor):
        return Port(name, "", None)
    shape = tuple(size if isinstance(size, int) else bind.get(str(size), str(size)) for size in value.shape)
    return Port(name, str(value.dtype).removeprefix("torch."), shape)


def serialised(model: Model, orders: Mapping[str, Sequence[int]]) -> bytes:
    """Return a program as a file, with its nodes permuted and everything else as it is.

    Raises:
        OptionError: an order is not a permutation, or is for a graph that the program does not have.
        OutputError: it cannot be written, or its file has changed since it was read.
    """
    archive, source = _archive(model)
    return archive.with_graph(permuted(archive.graph(), source.trace, orders))


def orders_in(model: Model, written: Path) -> dict[str, tuple[int, ...]]:
    """Return the orders of a written file; see `Format.orders_in`."""
    archive, source = _archive(model)
    try:
        result = open_archive(check_model_file(written))
        orders = orders_between(archive.graph(), result.graph(), source.trace)
        other = archive.first_difference(result)
    except ModelError as error:
        raise ModelError(f"{written}: {error}") from error
    if other:
        raise ModelError(f"{written}: its entry {other} is not that of the source")
    return orders


def _archive(model: Model) -> tuple[Archive, Source]:
    source = model.proto
    if not isinstance(source, Source):
        raise OutputError(
            "a graph in memory cannot be written; hmcos.torch.ordered returns it as a GraphModule"
        )
    archive = source.program.archive
    if archive is None:
        return open_archive(saved(cast(ExportedProgram, source.program.memory))), source
    path, known = archive.source, model.original_sha256
    if isinstance(path, Path) and model.path == path and known not in ("", digest_of_file(path)):
        raise OutputError(f"{path}: has changed since it was read")
    return archive, source


def saved(program: ExportedProgram) -> bytes:
    """Return a program as torch.export.save writes it.

    Raises:
        OutputError: torch cannot save it.
    """
    content = io.BytesIO()
    try:
        torch.export.save(program, content)
    except Exception as error:  # whatever the parts of a program raise when they are saved
        raise OutputError(f"the program cannot be saved by torch.export.save: {first_line(error)}") from error
    return content.getvalue()


def reordered(model: Model, orders: Mapping[str, Sequence[int]]) -> ExportedProgram:
    """Return a program in memory in another order; it shares its parameters with the source.

    Raises:
        OptionError: an order is not a permutation, or an operator comes before one that it needs.
    """
    source = cast(Source, model.proto)
    program = cast(ExportedProgram, source.program.memory)
    return with_graph(program, rearranged(source.trace, orders))
