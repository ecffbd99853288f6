"""Exported programs: from a file, read without its weights, or in memory."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.fx import GraphModule, Node

from hmcos.errors import ModelError
from hmcos.frontends.torch.archive import Archive, open_archive
from hmcos.frontends.torch.checking import cleaned
from hmcos.frontends.torch.kinds import is_arithmetic
from hmcos.frontends.torch.private import (
    HigherOrderOperator,
    OpOverload,
    deserialized,
    fake_mode,
    is_dispatched,
)
from hmcos.frontends.torch.refusing import refusal
from hmcos.frontends.torch.weights import part_of, read_meta
from hmcos.words import first_line

_PARAMETERS = frozenset({InputKind.PARAMETER, InputKind.BUFFER, InputKind.CONSTANT_TENSOR})


@dataclass(frozen=True)
class Program:
    """The graph of an exported program, without its weights."""

    module: GraphModule
    inputs: Mapping[str, object]
    """Placeholder of a user's input to its value: a fake tensor whose sizes may be symbolic, or a number."""
    parameters: Mapping[str, object]
    """Placeholder of a parameter, buffer or constant to a tensor like it; tied ones share a storage."""
    targets: Mapping[str, str]
    """Placeholder of a parameter, buffer or constant to its name in the program."""
    ranges: Mapping[str, tuple[int | None, int | None]]
    """Symbol to its least and its greatest size."""
    archive: Archive | None = None
    """None for a program in memory."""
    memory: ExportedProgram | None = field(default=None, repr=False)
    """None for a program in a file."""

    @property
    def placeholders(self) -> list[Node]:
        """The placeholders, in order."""
        return [node for node in self.module.graph.nodes if node.op == "placeholder"]


def read_program(source: Path | bytes) -> Program:
    """Return the program in an archive of torch.export.save; nothing is unpickled, no weights are read.

    Raises:
        ModelError: it is no such archive, or needs what is not safe to read.
    """
    archive = open_archive(source)
    for kind in ("weights", "constants"):
        archive.payloads(kind)
    graph = cleaned(archive.graph())
    limits = cast("dict[str, dict[str, Any]]", graph.get("range_constraints", {}))
    try:
        module, signature = deserialized(graph["graph_module"], limits)
    except RecursionError:
        raise ModelError("its graph is nested too deeply") from None
    except Exception as error:  # whatever a damaged graph makes torch do
        raise ModelError(f"torch {torch.__version__} cannot read its graph: {first_line(error)}") from error
    _check_targets(module)
    ranges = {name: (_size(each.get("min_val")), _size(each.get("max_val"))) for name, each in limits.items()}
    return _program(module, signature, ranges, archive=archive)


def _check_targets(module: GraphModule) -> None:
    """Check that a graph from a file calls operators of torch's dispatcher and arithmetic, nothing else.

    Raises:
        ModelError: a node calls an operator of TorchScript, or an attribute of `torch.ops`; names it.
    """
    for part in module.modules():
        for node in part.graph.nodes if isinstance(part, GraphModule) else ():
            target = node.target
            known = isinstance(target, HigherOrderOperator) or node.op != "call_function"
            if isinstance(target, OpOverload):
                known = is_dispatched(cast("OpOverload[..., object]", target))
            if not known and not is_arithmetic(target):
                raise refusal(node, "is no operator that hmcos lets a file call; export the model again")


def program_in_memory(program: ExportedProgram) -> Program:
    """Return a program in memory; it is not changed.

    Raises:
        ModelError: it holds objects of classes of their own.
    """
    ranges = {
        str(name): (_size(each.lower), _size(each.upper))
        for name, each in cast(Any, program).range_constraints.items()
    }
    return _program(program.graph_module, program.graph_signature, ranges, memory=program)


def digest_of_memory(program: ExportedProgram) -> str:
    """Return a digest of a program in memory: of its graph, its signature and the shapes of all tensors."""
    text = hashlib.sha256()
    for name, module in cast("Iterable[tuple[str, torch.nn.Module]]", program.graph_module.named_modules()):
        if isinstance(module, GraphModule):
            text.update(f"{name}\n{module.graph}\n".encode())
    for node in program.graph_module.graph.nodes:
        value = node.meta.get("val")
        if isinstance(value, torch.Tensor):
            text.update(f"{node.name} {value.dtype} {tuple(value.shape)}\n".encode())
    text.update(str(program.graph_signature).encode())
    return text.hexdigest()


def _size(value: object) -> int | None:
    """Return a limit of a size; None where there is none."""
    try:
        return None if value is None else int(cast(Any, value))
    except (TypeError, ValueError, OverflowError, AttributeError):
        return None


def _program(
    module: GraphModule,
    signature: Any,
    ranges: Mapping[str, tuple[int | None, int | None]],
    *,
    archive: Archive | None = None,
    memory: ExportedProgram | None = None,
) -> Program:
    names = [node.name for node in module.graph.nodes if node.op == "placeholder"]
    specs = {spec.arg.name: spec for spec in signature.input_specs}
    values = {node.name: node.meta.get("val") for node in module.graph.nodes if node.op == "placeholder"}
    if set(specs) != set(names):
        raise ModelError("its signature does not list the inputs of its graph")
    for name, spec in specs.items():
        if spec.kind not in _PARAMETERS and spec.kind is not InputKind.USER_INPUT:
            raise ModelError(
                f"input {name!r}: is a {spec.kind.name.lower()}, which hmcos cannot schedule; "
                "export the model without it"
            )
    held = {name: spec.target for name, spec in specs.items() if spec.kind in _PARAMETERS}
    inputs = {name: values[name] for name in names if name not in held}
    if archive is not None:
        _check_weights(archive, held, values)
    tied = _tied(archive, held) if memory is None else _real(memory, held)
    parameters = {name: tied.get(name, values[name]) for name in names if name in held}
    return Program(module, inputs, parameters, held, ranges, archive, memory)


def _real(program: ExportedProgram, held: Mapping[str, str]) -> dict[str, object]:
    """Return the parameters, buffers and constants of a program in memory, by placeholder."""
    real: dict[str, object] = {**program.constants, **program.state_dict}
    return {name: real[target] for name, target in held.items() if target in real}


def _check_weights(archive: Archive, held: Mapping[str, str], values: Mapping[str, object]) -> None:
    """Check that an archive has the parameters and constants of a graph, with the types that it says.

    Raises:
        ModelError: one is missing, or is another one in the graph.
    """
    payloads = {**archive.payloads("weights"), **archive.payloads("constants")}
    for name, target in held.items():
        if target not in payloads:
            raise ModelError(f"holds no weight {target!r}, which its graph reads; it is damaged")
        meta, like = read_meta(payloads[target], target), values[name]
        if not isinstance(like, torch.Tensor) or (like.dtype, tuple(like.shape)) != (meta.dtype, meta.size):
            raise ModelError(f"weight {target!r} has another type or shape than in the graph; it is damaged")


def _tied(archive: Archive | None, held: Mapping[str, str]) -> dict[str, object]:
    """Return tensors like those that share an entry of the archive, by placeholder; they share a storage."""
    if archive is None:
        return {}
    payloads: dict[str, tuple[str, Mapping[str, Any]]] = {}
    sizes: dict[str, int] = {}
    for kind in ("weights", "constants"):
        sizes |= archive.sizes(kind)
        for target, payload in archive.payloads(kind).items():
            payloads[target] = f"{archive.root}data/{kind}/{payload.get('path_name')}", payload
    entries = {name: payloads[target] for name, target in held.items() if target in payloads}
    shared = Counter(entry for entry, _ in entries.values())
    found: dict[str, object] = {}
    with fake_mode():
        bases = {
            entry: torch.empty(sizes.get(entry, 0), dtype=torch.uint8)
            for entry in shared
            if shared[entry] > 1
        }
        for name, (entry, payload) in entries.items():
            if entry in bases:
                found[name] = part_of(bases[entry], read_meta(payload, name), name)
    return found
