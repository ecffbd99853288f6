"""A light copy of a model for shape inference: the same nodes by number, without the weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

from hmcos.frontends.onnx.body_graphs import bodies
from hmcos.frontends.onnx.external_data import is_external
from hmcos.frontends.onnx.types import UNKNOWN, ValueType, read_type, write_type
from hmcos.graph.graph import body_path
from hmcos.graph.kinds import STANDARD_DOMAINS

HEAVY = 16 * 1024
"""Bytes of a serialised tensor from which on its values are left out: shapes depend on smaller tensors."""
OPAQUE_DOMAIN = "hmcos.opaque"
"""Domain of the nodes that replace constants too large to copy."""

EQUATION = re.compile(rb"(?:[A-Za-z, ]|\.\.\.)*(?:->(?:[A-Za-z ]|\.\.\.)*)?")
"""Most characters of an Einsum equation (numpy.einsum's subscripts)."""


@dataclass
class NameScope:
    """One graph of the model, or one body, and its light copy."""

    path: str
    """Empty for the main graph."""
    outer: NameScope | None
    source: GraphProto
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


def skeleton(source: ModelProto, bind: Mapping[str, int]) -> tuple[ModelProto, list[NameScope]]:
    """Return a light copy of a model with bound input shapes, and its graphs, outer ones before inner ones.

    The types that the file declares for values that nodes make are left out: binding may make them stale.
    The source is not changed.
    """
    light = ModelProto(ir_version=source.ir_version)
    light.opset_import.extend(source.opset_import)
    main = NameScope("", None, source.graph, light.graph)
    scopes: list[NameScope] = []
    waiting = [main]
    while waiting:
        scope = waiting.pop()
        scopes.append(scope)
        waiting.extend(reversed(_fill(scope, bind)))
    _import_domains(light, scopes)
    return light, scopes


def _import_domains(light: ModelProto, scopes: list[NameScope]) -> None:
    """Import the domains of custom operators that the file does not import, which inference would refuse."""
    imported = {entry.domain for entry in light.opset_import} | STANDARD_DOMAINS
    used = {node.domain: None for scope in scopes for node in scope.light.node}
    for domain in used:
        if domain not in imported:
            light.opset_import.add(domain=domain, version=1)


def _fill(scope: NameScope, bind: Mapping[str, int]) -> list[NameScope]:
    """Fill the light copy of one graph and return the scopes of its bodies, still empty."""
    source, light = scope.source, scope.light
    light.name = source.name
    for value in source.input:
        copy = light.input.add()
        copy.name = value.name
        scope.inputs[value.name] = copy
        if value.type.WhichOneof("value") == "tensor_type":
            write_type(read_type(value.type, bind), copy.type)
        else:
            copy.type.CopyFrom(value.type)
    for value in (*source.value_info, *source.output):
        scope.own[value.name] = read_type(value.type, bind)
        if scope.own[value.name].kind != "tensor":
            light.value_info.append(value)
    for value in source.output:
        light.output.add().name = value.name
    for tensor in source.initializer:
        _add_initializer(scope, tensor)
    inner: list[NameScope] = []
    for number, node in enumerate(source.node):
        inner.extend(_add_node(scope, number, node))
    scope.inner.update((body.path, body) for body in inner)
    return inner


def _add_initializer(scope: NameScope, tensor: TensorProto) -> None:
    scope.parameters[tensor.name] = tensor_type(tensor)
    if _is_light(tensor):
        scope.light.initializer.append(tensor)
    else:
        scope.tell(tensor.name, tensor_type(tensor))


def tensor_type(tensor: TensorProto) -> ValueType:
    """Return the type of a tensor that is stored in the file."""
    return ValueType(tensor.data_type, tuple(tensor.dims))


def _is_light(tensor: TensorProto) -> bool:
    return not is_external(tensor) and tensor.ByteSize() < HEAVY


def _add_node(scope: NameScope, number: int, node: NodeProto) -> list[NameScope]:
    """Copy one node and return the scopes of its bodies."""
    light = scope.light.node
    heavy = next((a.t for a in node.attribute if a.HasField("t") and not _is_light(a.t)), None)
    if heavy is not None and node.op_type == "Constant" and len(node.output) == 1:
        light.add(op_type="Constant", domain=OPAQUE_DOMAIN, output=node.output)
        scope.tell(node.output[0], tensor_type(heavy))
        return []
    if not any(a.HasField("g") or a.graphs for a in node.attribute):
        light.append(node)
        if _stops_inference(node):
            light[-1].domain = OPAQUE_DOMAIN
        return []
    copy = light.add(
        op_type=node.op_type, domain=node.domain, name=node.name, input=node.input, output=node.output
    )
    return _add_bodies(scope, number, node, copy)


def _stops_inference(node: NodeProto) -> bool:
    """Return whether inference in onnx 1.23 would hang on a node or crash the process."""
    if node.op_type == "Einsum":
        return not all(EQUATION.fullmatch(attribute.s) for attribute in node.attribute)
    if node.op_type == "Split":
        return any(a.name == "num_outputs" and a.i != len(node.output) for a in node.attribute)
    return False


def _add_bodies(scope: NameScope, number: int, node: NodeProto, copy: NodeProto) -> list[NameScope]:
    sources = dict(bodies(node))
    inner: list[NameScope] = []
    for attribute in node.attribute:
        names = [name for name in (attribute.name, *_listed(attribute)) if name in sources]
        light = copy.attribute.add()
        if not names:
            light.CopyFrom(attribute)
            continue
        light.name, light.type = attribute.name, attribute.type
        for name in names:
            target = light.g if attribute.HasField("g") else light.graphs.add()
            inner.append(NameScope(body_path(scope.path, number, name), scope, sources[name], target))
    return inner


def _listed(attribute: AttributeProto) -> list[str]:
    return [f"{attribute.name}[{position}]" for position in range(len(attribute.graphs))]
