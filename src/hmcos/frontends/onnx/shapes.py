"""Types of all values: from shape inference, or from the file where inference has no answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from onnx import GraphProto, ModelProto, NodeProto, defs, shape_inference

from hmcos.frontends.onnx.body_graphs import bodies
from hmcos.frontends.onnx.corrected_kinds import hides_wrong
from hmcos.frontends.onnx.elements import NUMBERS
from hmcos.frontends.onnx.extension_kinds import EXTENSION_DOMAINS
from hmcos.frontends.onnx.given_values import array_of_given
from hmcos.frontends.onnx.listing import ListedGraph, TypeReader
from hmcos.frontends.onnx.propagation import may_propagate
from hmcos.frontends.onnx.skeleton import OPAQUE_DOMAIN, NameScope, skeleton
from hmcos.frontends.onnx.types import UNKNOWN, ValueType
from hmcos.frontends.onnx.walking import Types, Walk
from hmcos.graph.graph import Tensor

NO_TYPES: Mapping[str, ValueType] = MappingProxyType({})
NO_VALUES: Mapping[str, tuple[int, ...]] = MappingProxyType({})

FOLLOWED_TWICE = 1024
"""Nodes in nested loops, beyond those of the model, that are followed again."""
MOST_NOTES = 5
"""Most notes of one model that are told one by one."""


@dataclass(frozen=True, slots=True)
class Inferred:
    """The types of all values of a model, and what has to be said of them."""

    types: Types
    notes: tuple[str, ...] = ()
    dead: frozenset[str] = frozenset()
    """Paths of bodies that never run."""


def value_types(
    source: ModelProto,
    listed: Sequence[ListedGraph],
    bind: Mapping[str, int],
    known: Mapping[str, Tensor],
    sequences: Mapping[str, ValueType] = NO_TYPES,
    values: Mapping[str, tuple[int, ...]] = NO_VALUES,
) -> Inferred:
    """Return the type of every value that is an input or made by a node, as far as it can be determined.

    `listed` are the graphs of the source. Inference takes precedence over the file's own value_info, which
    may be stale once symbols are bound: the file is trusted only for an operator whose output inference
    cannot determine, and the inference goes on from there. `known` tensors, by name, supply types that the
    file does not have; `sequences` are the types of inputs that are no tensors; `values` are the elements of
    inputs that have the same value in every run. The main graph must be executable as it is: inference would
    crash the process on some that are not.
    """
    light, scopes = skeleton(source, listed, bind)
    for scope in scopes:
        _learn(scope, known)
        _trust_unknown_kinds(scope)
    types = _inferred(light, scopes, follow=False)
    wrong = hides_wrong(scopes, types)
    if not sequences and not values and not wrong and _are_settled(scopes, types):
        return Inferred(types)
    follow = may_propagate(scopes, types)
    types = _inferred(light, scopes, follow=follow)
    if hides_wrong(scopes, types):
        types = _inferred(light, scopes, follow=follow)
    types[""] |= sequences
    if not sequences and not values and _are_settled(scopes, types):
        return Inferred(types)
    most = FOLLOWED_TWICE + 2 * sum(len(graph.nodes) for graph in listed)
    given = {name: array_of_given(elements, types[""][name]) for name, elements in values.items()}
    walk = Walk(light.opset_import, types, bind, given, most=most)
    walk.follow(scopes[0])
    for scope in scopes:
        for name, own in scope.own.items():
            found = types[scope.path].get(name, UNKNOWN)
            if not found.is_known and not found.element and found.kind == "tensor":
                types[scope.path][name] = own
    notes = list(dict.fromkeys(walk.notes))
    if len(notes) > MOST_NOTES:
        notes[MOST_NOTES:] = [f"and {len(notes) - MOST_NOTES:,} more such notes on operators with branches"]
    return Inferred(types, tuple(notes), frozenset(walk.dead))


def _trust_unknown_kinds(scope: NameScope) -> None:
    """Add the types that the file declares for the outputs of operators that ONNX does not know."""
    kinds = {(node.kind, node.domain) for node in scope.listed.nodes}
    if all(defs.has(kind, domain=domain) for kind, domain in kinds):
        return
    for node in scope.light.node:
        has_rules = node.domain in EXTENSION_DOMAINS  # these say which of the sizes are bounds
        if node.domain != OPAQUE_DOMAIN and not has_rules and not defs.has(node.op_type, domain=node.domain):
            _trust_file(scope, node, {})


def _learn(scope: NameScope, known: Mapping[str, Tensor]) -> None:
    """Add the types of known tensors to those that the file declares, where it declares none."""
    if not known:
        return
    for name in (name for node in scope.listed.nodes for name in node.outputs if name in known):
        if not scope.own.get(name, UNKNOWN).is_known:
            number, _ = NUMBERS.get(known[name].element, (0, 0))
            scope.own[name] = ValueType(number, known[name].shape) if number else UNKNOWN


def _are_settled(scopes: list[NameScope], types: Types) -> bool:
    return all(_is_settled(scope, types) for scope in scopes)


def _is_settled(scope: NameScope, types: Types) -> bool:
    known = types[scope.path]
    named = (name for node in scope.listed.nodes for name in node.outputs if name)
    return all(name in known and known[name].is_known for name in named)


def _inferred(light: ModelProto, scopes: list[NameScope], *, follow: bool) -> Types:
    """Return the types that ONNX's inference determines, or those of its input if it fails."""
    try:
        result = shape_inference.infer_shapes(light, data_prop=follow, strict_mode=False)
    except Exception:  # C++ throws many types here, and none of them means that the model is unusable
        result = light
    types: Types = {scope.path: {} for scope in scopes}
    reader = TypeReader({})
    waiting = [(scopes[0].listed, result.graph)]
    while waiting:
        listed, graph = waiting.pop()
        _collect(graph, types[listed.path], reader)
        for number, node in enumerate(listed.nodes):
            if node.bodies:
                inferred = dict(bodies(graph.node[number]))
                waiting.extend((body, inferred[name]) for name, body in node.bodies if name in inferred)
    return types


def _collect(graph: GraphProto, found: dict[str, ValueType], reader: TypeReader) -> None:
    for values in (graph.output, graph.value_info, graph.input):
        for value in values:
            declared = value.type
            value_type = reader.read(declared.SerializeToString(), declared)
            if value_type is not UNKNOWN:
                found[value.name] = value_type


def _trust_file(scope: NameScope, node: NodeProto, known: Mapping[str, ValueType]) -> bool:
    told = False
    for name in node.output:
        own = scope.own.get(name, UNKNOWN)
        if own.is_known and name not in scope.given and not known.get(name, UNKNOWN).is_known:
            scope.tell(name, own)
            told = True
    return told
