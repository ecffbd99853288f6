"""Read the messages of an ONNX graph once, into plain values.

Each access to a field of a message makes a Python object: reading a model once and keeping what was read
takes a third of the time of reading its messages wherever something of them is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from onnx import GraphProto, NodeProto, TensorProto, TypeProto, ValueInfoProto

from hmcos.errors import ModelError
from hmcos.frontends.onnx.body_graphs import bodies, check_bodies
from hmcos.frontends.onnx.types import ValueType, read_type
from hmcos.graph.graph import body_path


class ListedValue(NamedTuple):
    """An input, an output, or a value whose type the file declares."""

    name: str
    type: TypeProto
    key: bytes
    """The bytes of the type: equal types have equal ones."""


class ListedTensor(NamedTuple):
    """A tensor that is stored in the file."""

    name: str
    type: ValueType
    proto: TensorProto
    """For a sparse one, its values that are not zero."""
    indices: TensorProto | None = None
    """For a sparse one, where these are."""


class ListedNode(NamedTuple):
    """A node."""

    proto: NodeProto
    name: str
    kind: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    tensors: tuple[TensorProto, ...]
    """The tensors in its attributes."""
    bodies: tuple[tuple[str, ListedGraph], ...]
    """Attribute (`then_branch`, or `branches[1]` in a list of graphs) and graph of each body."""


@dataclass(slots=True)
class ListedGraph:
    """A graph of a model, or a body."""

    path: str
    """Empty for the main graph."""
    proto: GraphProto
    inputs: list[ListedValue] = field(default_factory=list[ListedValue])
    outputs: list[ListedValue] = field(default_factory=list[ListedValue])
    declared: list[ListedValue] = field(default_factory=list[ListedValue])
    """The value_info."""
    parameters: list[ListedTensor] = field(default_factory=list[ListedTensor])
    """The initializers."""
    nodes: list[ListedNode] = field(default_factory=list[ListedNode])
    attributes: list[str] = field(default_factory=list[str])
    """The names of all attributes."""


class TypeReader:
    """Reads types with the same symbols bound; a network has few different ones, and each is read once."""

    def __init__(self, bind: Mapping[str, int]) -> None:
        self._bind = bind
        self._read: dict[bytes, ValueType] = {}

    def read(self, key: bytes, proto: TypeProto) -> ValueType:
        """Return the type that a message declares, UNKNOWN itself for none; `key` are its bytes."""
        found = self._read.get(key)
        if found is None:
            found = self._read[key] = read_type(proto, self._bind)
        return found


def listed(graph: GraphProto) -> tuple[ListedGraph, ...]:
    """Return a graph and all bodies in it, outer ones before inner ones, after checking depth and names.

    This comes before anything recurses or compares names.

    Raises:
        ModelError: bodies are nested too deeply, two bodies of a node have one name, or a name is not UTF-8,
            which protobuf returns as bytes.
    """
    found: list[ListedGraph] = []
    waiting = [(ListedGraph("", graph), 0)]
    while waiting:
        here, depth = waiting.pop()
        found.append(here)
        waiting.extend((body, depth + 1) for body in reversed(_fill(here, depth)))
    _check_texts(found)
    return tuple(found)


def dimensions(graphs: Sequence[ListedGraph]) -> tuple[str, ...]:
    """Return all symbolic dimensions, those of inputs first, no repeats."""
    of_type: dict[bytes, TypeProto] = {}
    for here in graphs:
        for value in (*here.inputs, *here.outputs, *here.declared):
            of_type.setdefault(value.key, value.type)
    return tuple(dict.fromkeys(symbol for each in of_type.values() for symbol in symbolic(each)))


def tensors(graphs: Sequence[ListedGraph]) -> Iterator[TensorProto]:
    """Yield all tensors that are stored in graphs or in data files."""
    for here in graphs:
        for tensor in here.parameters:
            yield from (tensor.proto,) if tensor.indices is None else (tensor.proto, tensor.indices)
        for node in here.nodes:
            yield from node.tensors


def is_executable(graph: ListedGraph, outside: tuple[set[str], ...] = ()) -> bool:
    """Return whether every name that a node, a body or an output reads was defined before."""
    known = {value.name for value in graph.inputs} | {tensor.name for tensor in graph.parameters} | {""}
    scopes = (*outside, known)
    for node in graph.nodes:
        if not known.issuperset(node.inputs) and not _all_in(scopes, node.inputs):
            return False
        if not all(is_executable(body, scopes) for _, body in node.bodies):
            return False
        known.update(node.outputs)
    return _all_in(scopes, (value.name for value in graph.outputs))


def _all_in(scopes: Sequence[set[str]], names: Iterable[str]) -> bool:
    return all(any(name in scope for scope in scopes) for name in names)


def symbolic(proto: TypeProto) -> Iterator[str]:
    """Yield the symbolic dimensions of a type."""
    inside = proto
    while (kind := inside.WhichOneof("value")) in ("sequence_type", "optional_type"):
        inside = inside.sequence_type.elem_type if kind == "sequence_type" else inside.optional_type.elem_type
    if inside.HasField("tensor_type"):
        for dim in inside.tensor_type.shape.dim:
            if dim.dim_param:
                yield dim.dim_param


def tensor_type(tensor: TensorProto) -> ValueType:
    """Return the type of a tensor that is stored in the file."""
    return ValueType(tensor.data_type, tuple(tensor.dims))


def _fill(graph: ListedGraph, depth: int) -> list[ListedGraph]:
    """List the content of a graph, and return its bodies, still empty."""
    source = graph.proto
    graph.inputs.extend(map(_value, source.input))
    graph.outputs.extend(map(_value, source.output))
    graph.declared.extend(map(_value, source.value_info))
    graph.parameters.extend(_parameters(source))
    inner: list[ListedGraph] = []
    for number, proto in enumerate(source.node):
        node = _node(graph, number, proto)
        graph.nodes.append(node)
        if node.bodies:
            paths = [body.path for _, body in node.bodies]
            check_bodies(f"operator {number} ({node.kind})", paths, depth + 1)
            inner.extend(body for _, body in node.bodies)
    return inner


def _value(value: ValueInfoProto) -> ListedValue:
    declared = value.type
    return ListedValue(value.name, declared, declared.SerializeToString())


def _parameters(graph: GraphProto) -> Iterator[ListedTensor]:
    types: dict[tuple[int, tuple[int, ...]], ValueType] = {}
    for tensor in graph.initializer:
        key = tensor.data_type, tuple(tensor.dims)
        found = types.get(key)
        if found is None:
            found = types[key] = ValueType(*key)
        yield ListedTensor(tensor.name, found, tensor)
    for sparse in graph.sparse_initializer:
        values = sparse.values
        yield ListedTensor(
            values.name, ValueType(values.data_type, tuple(sparse.dims)), values, sparse.indices
        )


def _node(graph: ListedGraph, number: int, node: NodeProto) -> ListedNode:
    tensors: list[TensorProto] = []
    held: tuple[tuple[str, ListedGraph], ...] = ()
    for attribute in node.attribute:
        graph.attributes.append(attribute.name)
        if attribute.HasField("t"):
            tensors.append(attribute.t)
        if attribute.tensors:
            tensors.extend(attribute.tensors)
        if not held and (attribute.HasField("g") or attribute.graphs):
            inner = ((name, body_path(graph.path, number, name), body) for name, body in bodies(node))
            held = tuple((name, ListedGraph(path, body)) for name, path, body in inner)
    return ListedNode(
        node,
        node.name,
        node.op_type,
        node.domain,
        tuple(node.input[:]),
        tuple(node.output[:]),
        tuple(tensors),
        held,
    )


def _check_texts(graphs: Sequence[ListedGraph]) -> None:
    """Check that all names are text.

    Raises:
        ModelError: one is not; shows the first.
    """
    try:
        for text in _texts(graphs):
            "".join(text)
    except TypeError:
        for name in (name for here in graphs for name in _names(here.proto)):
            if not isinstance(name, str):
                raise ModelError(
                    f"contains the name {name!r}, which is no UTF-8 text; the file is damaged"
                ) from None


def _texts(graphs: Sequence[ListedGraph]) -> Iterator[Iterable[str]]:
    """Yield all names, in any order."""
    yield dimensions(graphs)
    for here in graphs:
        nodes, tensors = here.nodes, here.parameters
        yield (here.proto.name, *here.attributes)
        yield [value.name for value in (*here.inputs, *here.outputs, *here.declared)]
        yield [tensor.name for tensor in tensors]
        entries = [entry for tensor in tensors for entry in tensor.proto.external_data]
        yield [text for entry in entries for text in (entry.key, entry.value)]
        yield [text for node in nodes for text in (node.name, node.kind, node.domain)]
        yield chain.from_iterable(node.inputs for node in nodes)
        yield chain.from_iterable(node.outputs for node in nodes)


def _names(graph: GraphProto) -> Iterator[object]:
    """Yield the names in a graph without its bodies, in the order of the file."""
    yield graph.name
    for value in (*graph.input, *graph.output, *graph.value_info):
        yield value.name
        yield from symbolic(value.type)
    for tensor in graph.initializer:
        yield tensor.name
        for entry in tensor.external_data:
            yield from (entry.key, entry.value)
    for node in graph.node:
        yield node.name
        yield node.op_type
        yield node.domain
        yield from node.input
        yield from node.output
        for attribute in node.attribute:
            yield attribute.name
