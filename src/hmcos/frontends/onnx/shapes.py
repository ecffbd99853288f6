"""Types of all values: from shape inference, or from the file where inference has no answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from onnx import GraphProto, ModelProto, NodeProto, TensorProto, defs, shape_inference

from hmcos.frontends.onnx.body_graphs import bodies
from hmcos.frontends.onnx.elements import NUMBERS
from hmcos.frontends.onnx.folding import fold
from hmcos.frontends.onnx.listing import ListedGraph, TypeReader, is_executable
from hmcos.frontends.onnx.propagation import may_propagate
from hmcos.frontends.onnx.skeleton import OPAQUE_DOMAIN, NameScope, skeleton
from hmcos.frontends.onnx.types import UNKNOWN, ValueType
from hmcos.graph.graph import Tensor, body_path
from hmcos.graph.kinds import STANDARD_DOMAINS

Types = dict[str, dict[str, ValueType]]
"""Path of a graph (empty for the main one) to name to type."""

ROUNDS = 256
"""Most inferences of one model; each after the first starts with types that the one before did not find."""

ITERATION = ValueType(TensorProto.INT64, ())
CONDITION = ValueType(TensorProto.BOOL, ())


def value_types(
    source: ModelProto,
    listed: Sequence[ListedGraph],
    bind: Mapping[str, int],
    known: Mapping[str, Tensor],
) -> Types:
    """Return the type of every value that is an input or made by a node, as far as it can be determined.

    `listed` are the graphs of the source. Inference takes precedence over the file's own value_info, which
    may be stale once symbols are bound: the file is trusted only for an operator whose inputs are known and
    whose output inference cannot determine, and the inference is repeated from there. `known` tensors, by
    name, supply types that the file does not have. A graph that cannot be executed as it is gets no types at
    all: inference would crash the process on some of them, and the fault is reported later.
    """
    if not is_executable(listed[0]):
        return {graph.path: {} for graph in listed}
    light, scopes = skeleton(source, listed, bind)
    for scope in scopes:
        _learn(scope, known)
        _trust_unknown_kinds(scope)
    types = _inferred(light, scopes, follow=False)
    if not _are_settled(scopes, types):
        types = _inferred(light, scopes, follow=may_propagate(scopes, types))
    for _ in range(ROUNDS):
        if _are_settled(scopes, types):
            break
        if not fold(light, scopes, types) and not _tell_more(scopes, types):
            break
        types = _inferred(light, scopes, follow=may_propagate(scopes, types))
    for scope in scopes:
        _doubt_loops(scope, types)
        for name, own in scope.own.items():
            found = types[scope.path].get(name, UNKNOWN)
            if not found.is_known and (own.is_known or not found.element):
                types[scope.path][name] = own
    return types


def _trust_unknown_kinds(scope: NameScope) -> None:
    """Add the types that the file declares for the outputs of operators that ONNX does not know."""
    kinds = {(node.kind, node.domain) for node in scope.listed.nodes}
    if all(defs.has(kind, domain=domain) for kind, domain in kinds):
        return
    for node in scope.light.node:
        if node.domain != OPAQUE_DOMAIN and not defs.has(node.op_type, domain=node.domain):
            _trust_file(scope, node, {})


def _learn(scope: NameScope, known: Mapping[str, Tensor]) -> None:
    """Add the types of known tensors to those that the file declares, where it declares none."""
    if not known:
        return
    for name in (name for node in scope.listed.nodes for name in node.outputs if name in known):
        if not scope.own.get(name, UNKNOWN).is_known:
            number, _ = NUMBERS[known[name].element]
            scope.own[name] = ValueType(number, known[name].shape)


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


def _tell_more(scopes: list[NameScope], types: Types) -> bool:
    """Add types to the light copy that follow from the known ones; return whether there were any."""
    told = [_tell_frontier(scope, types) for scope in scopes]
    if not any(told):
        told = [_trust_file(scope, node, types[scope.path]) for scope in scopes for node in scope.light.node]
    return any(told)


def _tell_frontier(scope: NameScope, types: Types) -> bool:
    """Add types of operators whose inputs are all known and whose outputs are not."""
    told = False
    known = types[scope.path]
    for number, node in enumerate(scope.light.node):
        if node.op_type == "Loop" and node.attribute:
            told |= _tell_loop(scope, number, node, types)
        if all(name in known and known[name].is_known for name in node.output if name):
            continue
        told |= _tell_statistics(scope, node, known)
        if all(scope.find(name, types).is_known for name in node.input if name):
            told |= _trust_file(scope, node, known)
    return told


def _tell_statistics(scope: NameScope, node: NodeProto, known: Mapping[str, ValueType]) -> bool:
    """Add the types of secondary outputs that ONNX's inference leaves out in old operator sets.

    These are the mask of Dropout (before opset 10 with the type of the data), and the running and saved mean
    and variance of BatchNormalization (before opset 14).
    """
    like = {"Dropout": node.output[:1], "BatchNormalization": node.input[1:2]}.get(node.op_type, [])
    if node.domain not in STANDARD_DOMAINS or not like:
        return False
    value = scope.parameters.get(like[0]) or known.get(like[0], UNKNOWN)
    told = False
    for name in node.output[1:]:
        if name and value.is_known and name not in scope.given and not known.get(name, UNKNOWN).is_known:
            scope.tell(name, value)
            told = True
    return told


def _trust_file(scope: NameScope, node: NodeProto, known: Mapping[str, ValueType]) -> bool:
    told = False
    for name in node.output:
        own = scope.own.get(name, UNKNOWN)
        if own.is_known and name not in scope.given and not known.get(name, UNKNOWN).is_known:
            scope.tell(name, own)
            told = True
    return told


def _paths(scope: NameScope, number: int, node: NodeProto) -> list[str]:
    return [body_path(scope.path, number, attribute) for attribute, _ in bodies(node)]


def _tell_counters(body: NameScope, known: Mapping[str, ValueType]) -> bool:
    """Add the types of a Loop's iteration number and condition: scalars, as ONNX defines them."""
    told = False
    for value, scalar in zip(body.light.input, (ITERATION, CONDITION), strict=False):
        if value.name not in body.given and not known.get(value.name, UNKNOWN).is_known:
            body.tell(value.name, scalar)
            told = True
    return told


def _carried(scope: NameScope, number: int, node: NodeProto) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield, per carried value of a Loop: body path; names before, inside, after an iteration, at the end."""
    for attribute, body in bodies(node):
        path = body_path(scope.path, number, attribute)
        inputs = [value.name for value in body.input][2:]
        outputs = [value.name for value in body.output][1:]
        for names in zip(node.input[2:], inputs, outputs, node.output, strict=False):
            yield (path, *names)


def _tell_loop(scope: NameScope, number: int, node: NodeProto, types: Types) -> bool:
    """Assume that carried values keep their type from the Loop's input through the body to its output.

    ONNX leaves them open, since an iteration could change the shape; `_doubt_loops` checks that none does.
    """
    told = False
    for path in _paths(scope, number, node):
        told |= _tell_counters(scope.inner[path], types[path])
    for path, outside, inside, after, end in _carried(scope, number, node):
        value = scope.find(outside, types)
        entry = types[path].get(inside, UNKNOWN)
        if value.is_known and not entry.is_known and inside not in scope.inner[path].given:
            scope.inner[path].tell(inside, value)
            told = True
        leaves = types[path].get(after, UNKNOWN)
        if end and entry.is_known and entry == leaves == value and end not in scope.given:
            scope.tell(end, value)
            told = True
    return told


def _doubt_loops(scope: NameScope, types: Types) -> None:
    """Remove the types that were assumed for carried values if the body does not keep them."""
    for number, node in enumerate(scope.light.node if _has_loop(scope) else ()):
        if node.op_type != "Loop" or not node.attribute:
            continue
        for path, _, inside, after, _ in _carried(scope, number, node):
            entry = types[path].get(inside, UNKNOWN)
            if inside in scope.inner[path].given and types[path].get(after, UNKNOWN) != entry:
                types[path][inside] = ValueType(entry.element)


def _has_loop(scope: NameScope) -> bool:
    return any(node.kind == "Loop" for node in scope.listed.nodes)
