"""Build a Graph from an ONNX graph and the types of its values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

from hmcos.errors import ModelError, SizeError
from hmcos.frontends.onnx.body_graphs import bodies, free_names
from hmcos.frontends.onnx.elements import element
from hmcos.frontends.onnx.shapes import Types
from hmcos.frontends.onnx.skeleton import tensor_type
from hmcos.frontends.onnx.types import UNKNOWN, ValueType
from hmcos.graph.builder import GraphBuilder
from hmcos.graph.graph import Body, Graph, Operator, Tensor, body_path, operator_title
from hmcos.graph.kinds import STANDARD_DOMAINS, is_constant, is_random

LARGEST_BITS = 2**66
"""Sizes stay below 2**63 bytes."""
LISTED = 3
"""Most tensors and symbols that an error lists."""


@dataclass
class _Ledger:
    """The data that a graph and all its bodies share while they are read."""

    types: Types
    opset: int
    parameter_bytes: int = 0
    unknown: list[str] = field(default_factory=list[str])
    """A description of each activation whose size is unknown."""


@dataclass
class _Scope:
    """A graph that is being read."""

    ledger: _Ledger
    source: GraphProto
    path: str
    outer: _Scope | None
    builder: GraphBuilder
    tensors: dict[str, tuple[int, Tensor]] = field(default_factory=dict[str, tuple[int, Tensor]])
    """Name to id and tensor."""
    constants: dict[str, TensorProto] = field(default_factory=dict[str, TensorProto])
    """Values that are stored in the file."""
    unknown: dict[int, str] = field(default_factory=dict[int, str])
    """Id to description of each tensor whose size is unknown."""


def read_graph(
    source: ModelProto, types: Types, symbols: tuple[str, ...], bound: Sequence[str]
) -> tuple[Graph, int]:
    """Return the graph of a model and the bytes of its weights and constants.

    Raises:
        ModelError: a name is missing or defined twice, a value is not a tensor of fixed-width elements, a
            size is too large or unknown, or `GraphBuilder` refuses the graph.
    """
    opset = max(
        (entry.version for entry in source.opset_import if entry.domain in STANDARD_DOMAINS), default=1
    )
    ledger = _Ledger(types, opset)
    graph = _read(_Scope(ledger, source.graph, "", None, GraphBuilder(source.graph.name, symbols)))
    if ledger.unknown:
        free = [symbol for symbol in symbols if symbol not in bound]
        raise SizeError(_unknown_sizes(ledger.unknown, free))
    return graph, ledger.parameter_bytes


def _unknown_sizes(unknown: list[str], free: list[str]) -> str:
    more = f" and {len(unknown) - LISTED} more" if len(unknown) > LISTED else ""
    what = f"sizes are unknown: {', '.join(unknown[:LISTED])}{more}"
    if not free:
        return f"{what}; no symbol is left to bind: give these tensors fixed shapes in the file's value_info"
    rest = f" and {len(free) - LISTED} more" if len(free) > LISTED else ""
    return f"{what}; bind the free symbols {', '.join(free[:LISTED])}{rest} with --bind NAME=VALUE"


def _read(scope: _Scope) -> Graph:
    source = scope.source
    if source.sparse_initializer:
        name = source.sparse_initializer[0].values.name
        raise ModelError(f"{_place(scope)}parameter {name!r} is sparse; store it as a dense tensor")
    for tensor in source.initializer:
        _add_parameter(scope, tensor)
    for value in source.input:
        _add_input(scope, value)
    for number, node in enumerate(source.node):
        _add_made(scope, number, node)
    for number, node in enumerate(source.node):
        scope.builder.add_operator(_operator(scope, number, node))
    for value in source.output:
        if not value.name:
            raise ModelError(f"{_place(scope)}a graph output has no name")
        scope.builder.add_output(_id(scope, value.name))
    try:
        graph = scope.builder.build()
    except ModelError as error:
        raise ModelError(f"{_place(scope)}{error}") from None
    computed = (words for t, words in scope.unknown.items() if not graph.tensors[t].is_parameter)
    scope.ledger.unknown.extend(computed)
    return graph


def _place(scope: _Scope) -> str:
    return f"in {scope.path}: " if scope.path else ""


def _title(scope: _Scope, number: int, node: NodeProto) -> str:
    place = f" in {scope.path}" if scope.path else ""
    return f"{operator_title(number, node.op_type, node.name)}{place}"


def _add_parameter(scope: _Scope, source: TensorProto) -> None:
    name = source.name
    if not name:
        raise ModelError(f"{_place(scope)}a parameter has no name")
    if name in scope.tensors:
        raise ModelError(f"{_place(scope)}parameter {name!r} is defined twice")
    if any(size < 0 for size in source.dims):
        raise ModelError(
            f"{_place(scope)}parameter {name!r} has a negative size in its shape {list(source.dims)}"
        )
    tensor = _tensor(name, tensor_type(source))
    scope.tensors[name] = scope.builder.add_parameter(tensor), tensor
    scope.constants[name] = source
    scope.ledger.parameter_bytes += tensor.size


def _add_input(scope: _Scope, value: ValueInfoProto) -> None:
    name = value.name
    if not name:
        raise ModelError(f"{_place(scope)}a graph input has no name")
    if name in scope.constants:
        return  # files before IR version 4 list parameters as inputs too
    if name in scope.tensors:
        raise ModelError(f"{_place(scope)}graph input {name!r} is listed twice")
    if any(dim.dim_value < 0 for dim in value.type.tensor_type.shape.dim):
        sizes = [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        raise ModelError(f"{_place(scope)}graph input {name!r} has a negative size in its shape {sizes}")
    value_type = scope.ledger.types[scope.path].get(name, UNKNOWN)
    tensor = _tensor(name, value_type)
    added = scope.builder.add_input(tensor)
    scope.tensors[name] = added, tensor
    if not value_type.is_known:
        scope.unknown[added] = f"{_place(scope)}input {_describe(name, value_type)}"


def _add_made(scope: _Scope, number: int, node: NodeProto) -> None:
    """Add the tensors that a node makes; the builder later refuses one that already exists."""
    if not node.op_type:
        raise ModelError(f"{_title(scope, number, node)} has no operator type")
    types = scope.ledger.types[scope.path]
    for name in node.output:
        if not name or name in scope.tensors:
            continue
        value_type = types.get(name, UNKNOWN)
        try:
            tensor = _tensor(name, value_type)
        except ModelError as error:
            raise ModelError(f"{_title(scope, number, node)}: {error}") from None
        if not value_type.is_known and _is_visible(scope.outer, name):
            # Inference confuses the two, and so does ONNX Runtime, which runs such a model in some orders
            # only.
            raise ModelError(
                f"{_title(scope, number, node)}: makes {name!r}, which is also the name of a tensor around"
                " it; ONNX forbids that: rename one of them"
            )
        added = scope.builder.add_tensor(tensor)
        scope.tensors[name] = added, tensor
        if not value_type.is_known:
            scope.unknown[added] = f"{_describe(name, value_type)} of {_title(scope, number, node)}"
        if is_constant(node.op_type, _domain(node)):
            scope.constants.update((name, a.t) for a in node.attribute if a.name == "value")
            scope.ledger.parameter_bytes += tensor.size


def _is_visible(scope: _Scope | None, name: str) -> bool:
    """Return whether a graph, or one around it, has a tensor of this name."""
    while scope is not None and name not in scope.tensors:
        scope = scope.outer
    return scope is not None


def _tensor(name: str, value_type: ValueType) -> Tensor:
    """Return a tensor; one of unknown type gets no bytes and is reported later.

    Raises:
        ModelError: it is not a dense tensor, holds strings, or has 2**63 bytes or more.
    """
    if value_type.kind != "tensor":
        raise ModelError(
            f"{name!r} holds no dense tensor but a value of type {value_type.kind}, which cannot be planned"
        )
    if not value_type.element:
        return Tensor(name, "unknown", 0, ())
    spelling, bits = element(value_type.element, name)
    if not value_type.is_known:
        return Tensor(name, spelling, bits, ())
    total = bits
    if 0 not in value_type.sizes:
        for size in value_type.sizes:
            total *= size
            if total >= LARGEST_BITS:
                raise ModelError(f"tensor {name!r} has an absurd shape: it would take 2**63 bytes or more")
    return Tensor(name, spelling, bits, value_type.sizes)


def _describe(name: str, value_type: ValueType) -> str:
    if not value_type.element:
        return f"{name!r} (no element type)"
    if value_type.shape is None:
        return f"{name!r} (no shape)"
    return f"{name!r} [{','.join('?' if size is None else str(size) for size in value_type.shape)}]"


def _operator(scope: _Scope, number: int, node: NodeProto) -> Operator:
    inner: list[Body] = []
    captured: set[int] = set()
    for attribute, source in bodies(node):
        path = body_path(scope.path, number, attribute)
        body = _Scope(scope.ledger, source, path, scope, GraphBuilder(source.name))
        inner.append(Body(attribute, _read(body)))
        captured.update(_id(scope, name) for name in free_names(source))
    inputs = tuple(_id(scope, name) if name else None for name in node.input)
    random_inside = any(op.is_random for body in inner for op in body.graph.operators)
    return Operator(
        number=number,
        name=node.name,
        kind=node.op_type,
        domain=_domain(node),
        inputs=inputs,
        outputs=tuple(scope.tensors[name][0] if name else None for name in node.output),
        captured=tuple(sorted(captured.difference(t for t in inputs if t is not None))),
        bodies=tuple(inner),
        is_random=random_inside or is_random(node.op_type, _domain(node), training=_may_train(scope, node)),
    )


def _domain(node: NodeProto) -> str:
    return "" if node.domain in STANDARD_DOMAINS else node.domain


def _id(scope: _Scope, name: str) -> int:
    """Return the id of a name in this graph; the builder reports a name that is not defined."""
    if name in scope.tensors:
        return scope.tensors[name][0]
    outer = scope.outer
    while outer is not None and name not in outer.tensors:
        outer = outer.outer
    if outer is None:
        tensor = Tensor(name, "unknown", 0, ())
        added = scope.builder.add_tensor(tensor)
    else:
        there, tensor = outer.tensors[name]
        added = scope.builder.add_captured(tensor, is_constant=outer.builder.is_constant(there))
    scope.tensors[name] = added, tensor
    return added


def _may_train(scope: _Scope, node: NodeProto) -> bool:
    """Return whether a Dropout-like node may run in training mode (ONNX Dropout-1, -7, -12).

    Since opset 12 the third input says so; from 7 to 11 it never does; before, the attribute is_test.
    """
    if scope.ledger.opset >= 12:
        return len(node.input) > 2 and node.input[2] != "" and not _is_false(scope, node.input[2])
    if scope.ledger.opset >= 7:
        return False
    return not any(attribute.name == "is_test" and attribute.i for attribute in node.attribute)


def _is_false(scope: _Scope, name: str) -> bool:
    """Return whether a name is a constant false: stored in the file, and all its bytes are zero."""
    here: _Scope | None = scope
    while here is not None and name not in here.constants:
        here = here.outer
    if here is None:
        return False
    value = here.constants[name]
    return bool(value.raw_data or value.int32_data) and not any(value.raw_data) and not any(value.int32_data)
