"""Build a Graph from an ONNX graph and the types of its values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from onnx import ModelProto, TensorProto

from hmcos.errors import ModelError
from hmcos.frontends.onnx.body_graphs import free_names
from hmcos.frontends.onnx.elements import element
from hmcos.frontends.onnx.listing import ListedGraph, ListedNode, ListedTensor, ListedValue, tensor_type
from hmcos.frontends.onnx.shapes import Inferred
from hmcos.frontends.onnx.sizes import InputSizes
from hmcos.frontends.onnx.types import UNKNOWN, UNNAMED, ValueType
from hmcos.frontends.onnx.unknown_sizes import Unknown, size_error
from hmcos.graph.builder import GraphBuilder
from hmcos.graph.graph import Body, Graph, Operator, Tensor, operator_title
from hmcos.graph.kinds import RANDOM_IN_TRAINING_KINDS, STANDARD_DOMAINS, is_constant, is_random

LARGEST_BITS = 2**66
"""Sizes stay below 2**63 bytes."""


@dataclass
class _Ledger:
    """The data that a graph and all its bodies share while they are read."""

    inferred: Inferred
    opset: int
    parameter_bytes: int = 0
    unknown: list[str] = field(default_factory=list[str])
    """A description of each activation whose size is unknown."""


@dataclass
class _Scope:
    """A graph that is being read."""

    ledger: _Ledger
    source: ListedGraph
    outer: _Scope | None
    builder: GraphBuilder
    ids: dict[str, int] = field(default_factory=dict[str, int])
    """Name to id of each tensor."""
    constants: dict[str, TensorProto] = field(default_factory=dict[str, TensorProto])
    """Values that are stored in the file."""
    unknown: dict[int, str] = field(default_factory=dict[int, str])
    """Id to description of each tensor whose size is unknown."""
    values: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])
    """The elements of inputs that have the same value in every run, by name."""

    @property
    def path(self) -> str:
        """The path of the graph; empty for the main one."""
        return self.source.path

    @property
    def never_runs(self) -> bool:
        """Whether the graph, or one around it, is a branch that no run takes."""
        dead, here = self.ledger.inferred.dead, self
        while dead and here is not None and here.path not in dead:
            here = here.outer
        return bool(dead) and here is not None


def read_graph(
    source: ModelProto,
    listed: ListedGraph,
    inferred: Inferred,
    sizes: InputSizes,
) -> tuple[Graph, int]:
    """Return the graph of a model, whose main graph is `listed`, and the bytes of its weights and constants.

    Raises:
        ModelError: a name is missing or defined twice, a value is not a tensor of fixed-width elements, a
            size is too large or unknown, or `GraphBuilder` refuses the graph.
    """
    opset = max(
        (entry.version for entry in source.opset_import if entry.domain in STANDARD_DOMAINS), default=1
    )
    ledger = _Ledger(inferred, opset)
    scope = _Scope(ledger, listed, None, GraphBuilder(source.graph.name, sizes.symbols), values=sizes.values)
    graph = _read(scope)
    if ledger.unknown:
        types = inferred.types[listed.path]
        raise size_error(Unknown(graph, scope.unknown, ledger.unknown, types), listed, sizes)
    return graph, ledger.parameter_bytes


def _read(scope: _Scope) -> Graph:
    source = scope.source
    for tensor in source.parameters:
        _add_parameter(scope, tensor)
    for value in source.inputs:
        _add_input(scope, value)
    for number, node in enumerate(source.nodes):
        _add_made(scope, number, node)
    for number, node in enumerate(source.nodes):
        scope.builder.add_operator(_operator(scope, number, node))
    for value in source.outputs:
        if not value.name:
            raise ModelError(f"{_place(scope)}a graph output has no name")
        scope.builder.add_output(_id(scope, value.name))
    try:
        graph = scope.builder.build()
    except ModelError as error:
        raise ModelError(f"{_place(scope)}{error}") from None
    if not scope.never_runs:
        computed = (words for t, words in scope.unknown.items() if not graph.tensors[t].is_parameter)
        scope.ledger.unknown.extend(computed)
    return graph


def _place(scope: _Scope) -> str:
    return f"in {scope.path}: " if scope.path else ""


def _title(scope: _Scope, number: int, node: ListedNode) -> str:
    place = f" in {scope.path}" if scope.path else ""
    return f"{operator_title(number, node.kind, node.name)}{place}"


def _add_parameter(scope: _Scope, source: ListedTensor) -> None:
    name = source.name
    if not name:
        raise ModelError(f"{_place(scope)}a parameter has no name")
    if name in scope.ids:
        raise ModelError(f"{_place(scope)}parameter {name!r} is defined twice")
    sizes = source.type.sizes
    if sizes and min(sizes) < 0:
        raise ModelError(f"{_place(scope)}parameter {name!r} has a negative size in its shape {list(sizes)}")
    tensor = _tensor(name, source.type, is_parameter=True)
    scope.ids[name] = scope.builder.add_parameter(tensor)
    if source.indices is None:
        scope.constants[name] = source.proto
        scope.ledger.parameter_bytes += tensor.size
    else:
        stored = (source.proto, source.indices)
        sizes = (_tensor(name, tensor_type(part), is_parameter=True).size for part in stored)
        scope.ledger.parameter_bytes += sum(sizes)


def _add_input(scope: _Scope, value: ListedValue) -> None:
    name = value.name
    if not name:
        raise ModelError(f"{_place(scope)}a graph input has no name")
    if name in scope.ids and scope.builder.tensor(scope.ids[name]).is_parameter:
        return  # files before IR version 4 list parameters as inputs too
    if name in scope.ids:
        raise ModelError(f"{_place(scope)}graph input {name!r} is listed twice")
    if any(dim.dim_value < UNNAMED for dim in value.type.tensor_type.shape.dim):
        sizes = [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        raise ModelError(f"{_place(scope)}graph input {name!r} has a negative size in its shape {sizes}")
    value_type = scope.ledger.inferred.types[scope.path].get(name, UNKNOWN)
    tensor = _tensor(name, value_type)
    added = scope.ids[name] = scope.builder.add_input(tensor, scope.values.get(name))
    if not value_type.is_known:
        scope.unknown[added] = f"{_place(scope)}input {_describe(name, value_type)}"


def _add_made(scope: _Scope, number: int, node: ListedNode) -> None:
    """Add the tensors that a node makes; the builder later refuses one that already exists."""
    if not node.kind:
        raise ModelError(f"{_title(scope, number, node)} has no operator type")
    types = scope.ledger.inferred.types[scope.path]
    constant, never_runs = is_constant(node.kind, _domain(node)), scope.never_runs
    for name in node.outputs:
        if not name or name in scope.ids:
            continue
        value_type = types.get(name, UNKNOWN)
        try:
            tensor = _uncounted(name) if never_runs else _tensor(name, value_type)
        except ModelError as error:
            raise ModelError(f"{_title(scope, number, node)}: {error}") from None
        if not value_type.is_known and _is_visible(scope.outer, name):
            # Inference confuses the two, and so does ONNX Runtime, which runs such a model in some orders
            # only.
            raise ModelError(
                f"{_title(scope, number, node)}: makes {name!r}, which is also the name of a tensor around"
                " it; ONNX forbids that: rename one of them"
            )
        added = scope.ids[name] = scope.builder.add_tensor(tensor)
        if not value_type.is_known:
            scope.unknown[added] = f"{_describe(name, value_type)} of {_title(scope, number, node)}"
        if constant:
            scope.constants.update((name, a.t) for a in node.proto.attribute if a.name == "value")
            scope.ledger.parameter_bytes += tensor.size


def _is_visible(scope: _Scope | None, name: str) -> bool:
    """Return whether a graph, or one around it, has a tensor of this name."""
    while scope is not None and name not in scope.ids:
        scope = scope.outer
    return scope is not None


def _uncounted(name: str) -> Tensor:
    """Return a tensor of a branch that no run takes: it takes no bytes."""
    return Tensor(name, "uint8", 8, (0,))


def _tensor(name: str, value_type: ValueType, *, is_parameter: bool = False) -> Tensor:
    """Return a tensor, or what holds several; one of unknown type gets no bytes and is reported later.

    Raises:
        ModelError: it is of a kind that cannot be counted, or has 2**63 bytes or more.
    """
    if not value_type.element and value_type.parts != () and value_type.kind in _COUNTED:
        return Tensor(name, "unknown", 0, ())
    spelling, bits = (
        element(value_type.element, name) if value_type.kind == "tensor" else _held(name, value_type)
    )
    if not value_type.is_known:
        return Tensor(name, spelling, bits, ())
    plain = value_type.parts is None and not value_type.bounds
    total, sizes = bits, value_type.sizes if plain else _sizes(value_type)
    if 0 not in sizes:
        for size in sizes:
            total *= size
            if total >= LARGEST_BITS:
                raise ModelError(f"tensor {name!r} has an absurd shape: it would take 2**63 bytes or more")
    return Tensor(name, spelling, bits, sizes, is_parameter, value_type.bounds)


_COUNTED = ("tensor", "sequence", "optional", "map")
"""Kinds of values that can be counted."""


def _held(name: str, value_type: ValueType) -> tuple[str, int]:
    """Return the element type of what is no tensor, and its bits.

    Raises:
        ModelError: it cannot be counted.
    """
    if value_type.kind not in _COUNTED:
        raise ModelError(
            f"{name!r} holds no dense tensor but a value of type {value_type.kind}, which cannot be planned"
        )
    spelling, bits = element(value_type.element, name) if value_type.element else ("uint8", 8)
    if value_type.key:
        key, key_bits = element(value_type.key, name)
        spelling, bits = f"{key},{spelling}", key_bits + bits
    return f"{value_type.kind}({spelling})", bits


def _sizes(value_type: ValueType) -> tuple[int, ...]:
    """Return the shape of a tensor; for several equal ones with their number in front, else all elements."""
    parts = value_type.parts
    if parts is None:
        return tuple(map(int, value_type.sizes)) if value_type.bounds else value_type.sizes
    if parts and parts[0].parts is None and all(part == parts[0] for part in parts):
        return (len(parts), *map(int, parts[0].sizes))
    return (value_type.elements,)


def _describe(name: str, value_type: ValueType) -> str:
    if value_type.kind in ("sequence", "optional"):
        return f"{name!r} (a{'n' * (value_type.kind == 'optional')} {value_type.kind} of unknown parts)"
    if not value_type.element:
        return f"{name!r} (no element type)"
    if value_type.shape is None:
        return f"{name!r} (no shape)"
    return f"{name!r} [{','.join('?' if size is None else str(size) for size in value_type.shape)}]"


def _operator(scope: _Scope, number: int, node: ListedNode) -> Operator:
    inner, captured = _read_bodies(scope, node) if node.bodies else ((), set[int]())
    inputs = tuple(map(scope.ids.get, node.inputs))  # there may be millions; most names are known
    if None in inputs:
        inputs = tuple(_id(scope, name) if name else None for name in node.inputs)
    domain = _domain(node)
    training = node.kind in RANDOM_IN_TRAINING_KINDS and _may_train(scope, node)
    random_inside = any(op.is_random for body in inner for op in body.graph.operators)
    return Operator(
        number=number,
        name=node.name,
        kind=node.kind,
        domain=domain,
        inputs=inputs,
        outputs=tuple(map(scope.ids.get, node.outputs)),
        captured=tuple(sorted(captured.difference(inputs))) if captured else (),
        bodies=inner,
        is_random=random_inside or is_random(node.kind, domain, training=training),
    )


def _read_bodies(scope: _Scope, node: ListedNode) -> tuple[tuple[Body, ...], set[int]]:
    """Return the bodies of a node, and the ids of what they read from outside."""
    inner: list[Body] = []
    captured: set[int] = set()
    for attribute, source in node.bodies:
        body = _Scope(scope.ledger, source, scope, GraphBuilder(source.proto.name))
        inner.append(Body(attribute, _read(body)))
        captured.update(_id(scope, name) for name in free_names(source.proto))
    return tuple(inner), captured


def _domain(node: ListedNode) -> str:
    return "" if node.domain in STANDARD_DOMAINS else node.domain


def _id(scope: _Scope, name: str) -> int:
    """Return the id of a name in this graph; the builder reports a name that is not defined."""
    if name in scope.ids:
        return scope.ids[name]
    outer = scope.outer
    while outer is not None and name not in outer.ids:
        outer = outer.outer
    if outer is None:
        added = scope.builder.add_tensor(Tensor(name, "unknown", 0, ()))
    else:
        there = outer.ids[name]
        tensor, is_constant = outer.builder.tensor(there), outer.builder.is_constant(there)
        added = scope.builder.add_captured(tensor, is_constant=is_constant)
    scope.ids[name] = added
    return added


def _may_train(scope: _Scope, node: ListedNode) -> bool:
    """Return whether a Dropout-like node may run in training mode (ONNX Dropout-1, -7, -12).

    Since opset 12 the third input says so; from 7 to 11 it never does; before, the attribute is_test.
    """
    if scope.ledger.opset >= 12:
        return len(node.inputs) > 2 and node.inputs[2] != "" and not _is_false(scope, node.inputs[2])
    if scope.ledger.opset >= 7:
        return False
    return not any(attribute.name == "is_test" and attribute.i for attribute in node.proto.attribute)


def _is_false(scope: _Scope, name: str) -> bool:
    """Return whether a name is a constant false: stored in the file, and all its bytes are zero."""
    here: _Scope | None = scope
    while here is not None and name not in here.constants:
        here = here.outer
    if here is None:
        return False
    value = here.constants[name]
    return bool(value.raw_data or value.int32_data) and not any(value.raw_data) and not any(value.int32_data)
