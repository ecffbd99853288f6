"""Check that a written ONNX model is its source with the nodes in another order, and nothing else."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from google.protobuf.message import DecodeError
from onnx import GraphProto, ModelProto, NodeProto

from hmcos.errors import ModelError, VerifyError
from hmcos.files import read_ordinary
from hmcos.frontends.model import Model
from hmcos.frontends.onnx.body_graphs import bodies
from hmcos.frontends.onnx.functions import inline
from hmcos.graph.graph import Graph
from hmcos.verify.counted.order_check import check_order


def order_of(source: Model, result: Path) -> tuple[int, ...]:
    """Return the source's node numbers in the order of a model file.

    Raises:
        VerifyError: a node is missing, repeated or changed, or anything else differs; names it.
    """
    before, after = source.proto, _read(source, result)
    if not isinstance(before, ModelProto):
        raise VerifyError("the source is not an ONNX model")
    order = _matched(before.graph, after.graph)
    _check_rest(before, after)
    _check_data_files(source, result)
    return order


def check_bodies(
    source: Model, result: Path, order: Sequence[int], planned: Mapping[str, Sequence[int]] | None
) -> None:
    """Check that the bodies of a model file are in valid orders, and in those of the plan.

    `order` is the result of `order_of`; `planned` maps the path of a body to its order, None without a plan.

    Raises:
        VerifyError: a body is in an invalid order, or in another than planned; names its path.
    """
    after = _read(source, result)
    if isinstance(source.proto, ModelProto):
        _check_inside((source.proto.graph, after.graph), (source.graph, order), planned, "")


def _check_inside(
    pair: tuple[GraphProto, GraphProto],
    run: tuple[Graph, Sequence[int]],
    planned: Mapping[str, Sequence[int]] | None,
    path: str,
) -> None:
    """Compare the bodies in two graphs, source and result; recurses into nested bodies.

    `run` is the graph of the source and the order of the result.
    """
    (before, after), (graph, order) = pair, run
    for step, number in enumerate(order):
        known = {body.attribute: body.graph for body in graph.operators[number].bodies}
        inside = zip(bodies(before.node[number]), bodies(after.node[step]), strict=True)
        for (attribute, body), (_, written) in inside:
            here = f"{path}node {number}/{attribute}"
            inner = _matched(body, written)
            if planned is not None and (here not in planned or inner != tuple(planned[here])):
                raise VerifyError(f"{here}: the result has its nodes in another order than the plan")
            try:
                check_order(known[attribute], inner)
            except VerifyError as error:
                raise VerifyError(f"{here}: {error}") from error
            _check_inside((body, written), (known[attribute], inner), planned, f"{here}/")


def _read(source: Model, path: Path) -> ModelProto:
    """Return a result, with its functions inlined if those of the source were."""
    try:
        proto = ModelProto.FromString(read_ordinary(path))
        return inline(proto) if source.inlined and proto.functions else proto
    except OSError as error:
        raise VerifyError(f"{path}: cannot be read: {error.strerror}") from error
    except DecodeError as error:
        raise VerifyError(f"{path}: is not an ONNX model, or is cut off") from error
    except ModelError as error:
        raise VerifyError(f"{path}: {error}") from error


def _matched(before: GraphProto, after: GraphProto) -> tuple[int, ...]:
    places: dict[bytes, deque[int]] = {}
    for number, node in enumerate(before.node):
        places.setdefault(_node_bytes(node), deque()).append(number)
    order: list[int] = []
    for step, node in enumerate(after.node):
        numbers = places.get(_node_bytes(node))
        if numbers is None:
            raise VerifyError(f"step {step}, {_title(node)}: is not in the source, or was changed")
        if not numbers:
            raise VerifyError(f"step {step}, {_title(node)}: runs a second time")
        order.append(numbers.popleft())
    missing = min((number for numbers in places.values() for number in numbers), default=None)
    if missing is not None:
        raise VerifyError(f"operator {missing}, {_title(before.node[missing])}, of the source is missing")
    return tuple(order)


def _check_rest(before: ModelProto, after: ModelProto) -> None:
    kept, there = _parameters(before.graph), _parameters(after.graph)
    for name in dict.fromkeys([*kept, *there]):
        one, other = kept.get(name, []), there.get(name, [])
        if one != other:
            how = "missing" if len(other) < len(one) else "added" if len(other) > len(one) else "changed"
            raise VerifyError(f"parameter {name!r} was {how}: the result computes another function")
    if _without_nodes(before) != _without_nodes(after):
        raise VerifyError("the result differs from the source in more than the order of its nodes")


def _parameters(graph: GraphProto) -> dict[str, list[bytes]]:
    """Return name to the digests of all its initializers: if there are several, the runtime chooses one."""
    digests: dict[str, list[bytes]] = {}
    for tensor in graph.initializer:
        digests.setdefault(tensor.name, []).append(_digest(tensor))
    return digests


def _check_data_files(source: Model, result: Path) -> None:
    home = source.path.parent if source.path is not None else result.parent
    for file in source.data_files:
        if _file_digest(home / file) != _file_digest(result.parent / file):
            raise VerifyError(f"data file {str(file)!r} was changed: the result computes another function")


def _file_digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise VerifyError(f"data file {path}: cannot be read: {error.strerror}") from error


def _node_bytes(node: NodeProto) -> bytes:
    """Return a node as bytes that do not depend on the order inside its bodies."""
    if not any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
        return node.SerializeToString(deterministic=True)
    copy = NodeProto()
    copy.CopyFrom(node)
    for attribute in copy.attribute:
        for graph in [attribute.g] if attribute.HasField("g") else attribute.graphs:
            _sort(graph)
    return copy.SerializeToString(deterministic=True)


def _sort(graph: GraphProto) -> None:
    """Put a body into an order that depends only on its nodes; recurses into nested bodies."""
    graph.node.sort(key=_node_bytes)
    for node in graph.node:
        for attribute in node.attribute:
            for inner in [attribute.g] if attribute.HasField("g") else attribute.graphs:
                _sort(inner)


def _without_nodes(model: ModelProto) -> tuple[Counter[bytes], bytes]:
    """Return a model without nodes and weights, and its value_info as a set: its order has no meaning."""
    infos = Counter(info.SerializeToString(deterministic=True) for info in model.graph.value_info)
    light = ModelProto()
    light.CopyFrom(model)
    for field in ("node", "initializer", "value_info"):
        light.graph.ClearField(field)
    return infos, light.SerializeToString(deterministic=True)


def _digest(tensor: object) -> bytes:
    return hashlib.sha256(tensor.SerializeToString(deterministic=True)).digest()  # pyright: ignore


def _title(node: NodeProto) -> str:
    name = f" {node.name!r}" if node.name else ""
    return f"({node.op_type}{name})"
