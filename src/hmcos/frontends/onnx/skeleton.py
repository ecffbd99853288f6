"""A light copy of a model for shape inference: the same nodes by number, without the weights."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

from hmcos.frontends.onnx.external_data import is_external
from hmcos.frontends.onnx.listing import ListedGraph, ListedNode, TypeReader, tensor_type
from hmcos.frontends.onnx.types import UNKNOWN, ValueType, write_type
from hmcos.graph.kinds import STANDARD_DOMAINS

HEAVY = 16 * 1024
"""Bytes of a serialised tensor from which on its values are left out: shapes depend on smaller tensors."""
LEAST_BITS: dict[int, int] = {TensorProto.FLOAT: 32, TensorProto.DOUBLE: 64}
"""Bits that a number of a type takes at least, however it is stored."""
PACKED_BITS = 2
"""The same for all other types: some have elements of two bits, and varints are short."""
UNSAID_OPSET = 6
"""The standard operator set of a file that imports none: the oldest for which onnx infers most kinds."""
OPAQUE_DOMAIN = "hmcos.opaque"
"""Domain of the nodes that replace constants too large to copy."""

UNTYPED_CRASHES: Mapping[str, frozenset[str]] = {
    "DictVectorizer": frozenset(("ai.onnx.ml",)),
    "RegexFullMatch": STANDARD_DOMAINS,
}
"""Kinds of which inference crashes the process if the type of the input is unknown, to their domains."""
STOPPING_KINDS = frozenset(("Einsum", "Split", *UNTYPED_CRASHES))
"""Kinds of which some nodes stop inference."""
EQUATION = re.compile(rb"(?:[A-Za-z, ]|\.\.\.)*(?:->(?:[A-Za-z ]|\.\.\.)*)?")
"""Most characters of an Einsum equation (numpy.einsum's subscripts)."""


@dataclass
class NameScope:
    """One graph of the model, or one body, and its light copy."""

    listed: ListedGraph
    outer: NameScope | None
    light: GraphProto
    own: dict[str, ValueType] = field(default_factory=dict[str, ValueType])
    """The types that the file declares for values that nodes make."""
    parameters: dict[str, ValueType] = field(default_factory=dict[str, ValueType])
    """The initializers."""
    inputs: dict[str, ValueInfoProto] = field(default_factory=dict[str, ValueInfoProto])
    """The inputs of the light copy."""
    inner: dict[str, NameScope] = field(default_factory=dict[str, "NameScope"])
    """The bodies in it, by path."""
    given: set[str] = field(default_factory=set[str])
    """Values whose type was added to the light copy."""

    @property
    def path(self) -> str:
        """The path of the graph; empty for the main one."""
        return self.listed.path

    def tell(self, name: str, value: ValueType) -> None:
        """Add a value's type to the light copy."""
        self.given.add(name)
        info = self.inputs.get(name)
        if info is None:
            info = self.light.value_info.add()
            info.name = name
        write_type(value, info.type)

    def find(self, name: str, types: Mapping[str, Mapping[str, ValueType]]) -> ValueType:
        """Return the type of a name as nodes of this graph see it; `types` are by path and name."""
        here: NameScope | None = self
        while here is not None:
            if name in types[here.path]:
                return types[here.path][name]
            if name in here.parameters:
                return here.parameters[name]
            here = here.outer
        return UNKNOWN


def skeleton(
    source: ModelProto, listed: Sequence[ListedGraph], bind: Mapping[str, int]
) -> tuple[ModelProto, list[NameScope]]:
    """Return a light copy of a model with bound input shapes, and its graphs, outer ones before inner ones.

    `listed` are the graphs of the model. The types that the file declares for values that nodes make are left
    out: binding may make them stale. The source is not changed.
    """
    light = ModelProto(ir_version=source.ir_version)
    light.opset_import.extend(source.opset_import)
    reader = TypeReader(bind)
    scopes: list[NameScope] = []
    waiting = [NameScope(listed[0], None, light.graph)]
    while waiting:
        scope = waiting.pop()
        scopes.append(scope)
        waiting.extend(reversed(_fill(scope, reader)))
    _import_domains(light, scopes)
    return light, scopes


def _import_domains(light: ModelProto, scopes: list[NameScope]) -> None:
    """Import the domains of custom operators that the file does not import, which inference would refuse."""
    imported = {entry.domain for entry in light.opset_import}
    if not imported & STANDARD_DOMAINS:
        light.opset_import.add(domain="", version=UNSAID_OPSET)
    imported |= STANDARD_DOMAINS
    used = {node.domain: None for scope in scopes for node in scope.listed.nodes} | {OPAQUE_DOMAIN: None}
    for domain in used:
        if domain not in imported:
            light.opset_import.add(domain=domain, version=1)


def _fill(scope: NameScope, reader: TypeReader) -> list[NameScope]:
    """Fill the light copy of one graph and return the scopes of its bodies, still empty."""
    listed, light = scope.listed, scope.light
    light.name = listed.proto.name
    for value in listed.inputs:
        copy = light.input.add()
        copy.name = value.name
        scope.inputs[value.name] = copy
        if value.type.WhichOneof("value") == "tensor_type":
            write_type(reader.read(value.key, value.type), copy.type)
        else:
            copy.type.CopyFrom(value.type)
    for value in (*listed.declared, *listed.outputs):
        scope.own[value.name] = found = reader.read(value.key, value.type)
        if found.kind != "tensor":
            light.value_info.add(name=value.name, type=value.type)
    for value in listed.outputs:
        light.output.add().name = value.name
    _add_parameters(scope)
    return _add_nodes(scope)


def _add_parameters(scope: NameScope) -> None:
    small: list[TensorProto] = []
    for tensor in scope.listed.parameters:
        scope.parameters[tensor.name] = tensor.type
        if tensor.indices is None and _is_light(tensor.proto, tensor.type):
            small.append(tensor.proto)
        else:
            scope.tell(tensor.name, tensor.type)
    scope.light.initializer.extend(small)


def _is_light(tensor: TensorProto, declared: ValueType) -> bool:
    # Counting the bytes of a message takes as long as writing them: most heavy ones are told by their shapes.
    most = 8 * HEAVY // LEAST_BITS.get(declared.element, PACKED_BITS)
    return not _exceeds(declared.sizes, most) and not is_external(tensor) and tensor.ByteSize() < HEAVY


def _exceeds(sizes: Sequence[int], most: int) -> bool:
    """Return whether a tensor has more elements than that; a damaged file may have a million large sizes."""
    elements = 1
    for size in sizes:
        elements *= size
        if elements > most:
            return 0 not in sizes
    return False


def _add_nodes(scope: NameScope) -> list[NameScope]:
    """Copy all nodes and return the scopes of their bodies; most are copied as they are, many at a time."""
    light, inner = scope.light.node, list[NameScope]()
    alike: list[NodeProto] = []
    for node in scope.listed.nodes:
        if not node.bodies and not node.tensors and node.kind not in STOPPING_KINDS:
            alike.append(node.proto)
            continue
        light.extend(alike)
        alike.clear()
        inner.extend(_add_node(scope, node))
    light.extend(alike)
    scope.inner.update((body.path, body) for body in inner)
    return inner


def _add_node(scope: NameScope, node: ListedNode) -> list[NameScope]:
    """Copy one node and return the scopes of its bodies."""
    light = scope.light.node
    stored = (attribute.t for attribute in node.proto.attribute if attribute.HasField("t"))
    heavy = next((t for t in stored if not _is_light(t, tensor_type(t))), None)
    if heavy is not None and node.kind == "Constant" and len(node.outputs) == 1:
        light.add(op_type="Constant", domain=OPAQUE_DOMAIN, output=node.outputs)
        scope.tell(node.outputs[0], tensor_type(heavy))
        return []
    if not node.bodies:
        light.append(node.proto)
        if _stops_inference(node.proto):
            light[-1].domain = OPAQUE_DOMAIN
        return []
    copy = light.add(
        op_type=node.kind, domain=node.domain, name=node.name, input=node.inputs, output=node.outputs
    )
    return _add_bodies(scope, node, copy)


def _stops_inference(node: NodeProto) -> bool:
    """Return whether inference in onnx 1.23 would hang on a node or crash the process."""
    if node.domain in UNTYPED_CRASHES.get(node.op_type, ()):
        return True
    if node.op_type == "Einsum":
        return not all(EQUATION.fullmatch(attribute.s) for attribute in node.attribute)
    if node.op_type == "Split":
        return any(a.name == "num_outputs" and a.i != len(node.output) for a in node.attribute)
    return False


def _add_bodies(scope: NameScope, node: ListedNode, copy: NodeProto) -> list[NameScope]:
    sources = dict(node.bodies)
    inner: list[NameScope] = []
    for attribute in node.proto.attribute:
        names = [name for name in (attribute.name, *_listed(attribute)) if name in sources]
        light = copy.attribute.add()
        if not names:
            light.CopyFrom(attribute)
            continue
        light.name, light.type = attribute.name, attribute.type
        for name in names:
            target = light.g if attribute.HasField("g") else light.graphs.add()
            inner.append(NameScope(sources[name], scope, target))
    return inner


def _listed(attribute: AttributeProto) -> list[str]:
    return [f"{attribute.name}[{position}]" for position in range(len(attribute.graphs))]
