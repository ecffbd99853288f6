"""The outline of an ONNX model whose sizes are not all known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path

from onnx import GraphProto, ModelProto, TensorProto

from hmcos.frontends.format import Loadable, Serializable
from hmcos.frontends.onnx.body_graphs import graphs
from hmcos.frontends.onnx.elements import ELEMENTS, element
from hmcos.frontends.onnx.functions import inline
from hmcos.frontends.onnx.listing import ListedValue, listed
from hmcos.frontends.onnx.sizes import settle
from hmcos.frontends.onnx.types import read_type
from hmcos.frontends.outline import Outline, Port


def outline(source: Loadable, bind: Mapping[str, int]) -> Outline:
    """Return the outline of a model that `load` could read up to its unknown sizes."""
    if isinstance(source, str | PathLike):
        content = Path(source).read_bytes()
    else:
        assert isinstance(source, Serializable), "what is loaded as ONNX can be serialised"
        content = source.SerializeToString()
    proto = ModelProto.FromString(content)
    if proto.functions:
        proto = inline(proto)
    graph = proto.graph
    found = listed(graph)
    main, sizes = found[0], settle(found, bind)
    parameters = [tensor for _, here in graphs(graph) for tensor in _parameters(here)]
    given = {tensor.name for tensor in graph.initializer}
    kinds = Counter(node.op_type for node in graph.node)
    return Outline(
        inputs=_ports((value for value in main.inputs if value.name not in given), sizes.bind),
        outputs=_ports(main.outputs, sizes.bind),
        kinds=dict(sorted(kinds.items(), key=lambda item: (-item[1], item[0]))),
        parameters=len(parameters),
        parameter_bytes=sum(map(_size, parameters)),
        symbols=sizes.symbols,
        bound=frozenset(sizes.bind),
    )


def _parameters(graph: GraphProto) -> Iterator[TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        if node.op_type == "Constant":
            yield from (attribute.t for attribute in node.attribute if attribute.name == "value")


def _size(tensor: TensorProto) -> int:
    bits = element(tensor.data_type, tensor.name)[1]
    for size in tensor.dims:
        bits *= size
    return (bits + 7) // 8


def _ports(values: Iterable[ListedValue], bind: Mapping[str, int]) -> tuple[Port, ...]:
    ports: list[Port] = []
    for value in values:
        found = read_type(value.type, bind)
        shape = None if found.shape is None else tuple("?" if n is None else n for n in found.shape)
        ports.append(Port(value.name, ELEMENTS.get(found.element, ("", 0))[0], shape))
    return tuple(ports)
