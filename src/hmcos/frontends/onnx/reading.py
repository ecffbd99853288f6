"""Read the bytes of an ONNX file as a Model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from os import PathLike
from pathlib import Path

from google.protobuf.message import DecodeError, EncodeError
from onnx import GraphProto, ModelProto, TypeProto

from hmcos.errors import ModelError, OptionError
from hmcos.frontends.format import Loadable, Serializable
from hmcos.frontends.model import Model
from hmcos.frontends.model_file import read_model_file
from hmcos.frontends.onnx.body_graphs import graphs
from hmcos.frontends.onnx.dimensions import symbols
from hmcos.frontends.onnx.external_data import data_files
from hmcos.frontends.onnx.functions import LARGEST, inline
from hmcos.frontends.onnx.graphs import read_graph
from hmcos.frontends.onnx.shapes import value_types
from hmcos.graph.graph import Tensor

LONGEST = 1000
"""Most characters of an error: names and shapes in a damaged file may be as long as the file."""
TOO_LARGE = "is larger than 2 GB, the most that protobuf can hold; store weights as external data"


def load(
    source: Loadable,
    bind: Mapping[str, int] | None = None,
    known: Mapping[str, Tensor] | None = None,
) -> Model:
    """Return the model in an ONNX file, or in an object that serialises to one.

    External data is never opened. The object is copied, neither changed nor kept.
    `bind` gives sizes to symbolic dimensions. `known` are tensors of another form of the model, by name: they
    supply the types that neither inference nor the file has, and symbols that only that form has may be
    bound.

    Raises:
        ModelError: the source is not an ONNX model, or cannot be scheduled; names the file, the operator and
            the tensor.
        OptionError: `bind` names an unknown symbolic dimension, or a size that is not positive.
    """
    path = Path(source) if isinstance(source, str | PathLike) else None
    title = str(path) if path is not None else "the model in memory"
    try:
        content = read_model_file(path, LARGEST, TOO_LARGE) if path is not None else _serialise(source)
        return _model(content, path, dict(bind or {}), known)
    except ModelError as error:
        raise type(error)(f"{title}: {_one_line(error)}") from error.__cause__
    except OptionError as error:
        raise OptionError(f"{title}: {_one_line(error)}") from None


def _model(
    content: bytes, path: Path | None, bind: dict[str, int], known: Mapping[str, Tensor] | None
) -> Model:
    proto = _parse(content)
    original = digest = sha256(content).hexdigest()
    inlined = bool(proto.functions)
    scopes = _checked_graphs(proto.graph)
    if inlined:
        for function in proto.functions:
            _checked_graphs(GraphProto(node=function.node))
        proto = inline(proto)
        digest = sha256(proto.SerializeToString(deterministic=True)).hexdigest()
        scopes = _checked_graphs(proto.graph)
    files = data_files(scopes, path.parent if path is not None else None)
    dimensions = tuple(dict.fromkeys(_dimensions(scopes)))
    listed = symbols(dimensions)
    if known is not None:
        bind = {symbol: size for symbol, size in bind.items() if symbol in listed}
    _check_bind(bind, listed, dimensions)
    types = value_types(proto, bind, known or {})
    graph, parameter_bytes = read_graph(proto, types, listed, tuple(bind))
    return Model(
        graph=graph,
        path=path,
        format="onnx",
        sha256=digest,
        original_sha256=original,
        inlined=inlined,
        data_files=files,
        bind=bind,
        parameter_bytes=parameter_bytes,
        file_bytes=len(content),
        proto=proto,
    )


def _serialise(source: object) -> bytes:
    if not isinstance(source, Serializable):
        raise ModelError(f"a {type(source).__name__} is neither a path nor an object with SerializeToString")
    try:
        return source.SerializeToString()
    except (EncodeError, ValueError) as error:
        raise ModelError(f"cannot be serialised: {error}") from error


def _parse(content: bytes) -> ModelProto:
    if not content:
        raise ModelError("is empty")
    try:
        proto = ModelProto.FromString(content)
    except DecodeError as error:
        raise ModelError("is not an ONNX model, or is truncated: its bytes are no valid protobuf") from error
    if not proto.HasField("graph"):
        raise ModelError("is not an ONNX model: it holds no graph")
    return proto


def _checked_graphs(graph: GraphProto) -> tuple[GraphProto, ...]:
    """Return a graph and all its bodies, outer ones first, after checking depth and names.

    This comes before anything recurses or compares names.

    Raises:
        ModelError: bodies are nested too deeply, or a name is not UTF-8, which protobuf returns as bytes.
    """
    scopes = tuple(here for _, here in graphs(graph))
    for name in (name for here in scopes for name in _names(here)):
        if not isinstance(name, str):
            raise ModelError(f"contains the name {name!r}, which is no UTF-8 text; the file is damaged")
    return scopes


def _names(graph: GraphProto) -> Iterator[object]:
    yield graph.name
    for value in (*graph.input, *graph.output, *graph.value_info):
        yield value.name
        yield from _symbolic(value.type)
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


def _dimensions(scopes: Iterable[GraphProto]) -> Iterator[str]:
    """Yield all symbolic dimensions, those of inputs first."""
    for here in scopes:
        for value in (*here.input, *here.output, *here.value_info):
            yield from _symbolic(value.type)


def _symbolic(proto: TypeProto) -> Iterator[str]:
    if proto.HasField("tensor_type"):
        for dim in proto.tensor_type.shape.dim:
            if dim.dim_param:
                yield dim.dim_param


def _check_bind(bind: Mapping[str, int], listed: tuple[str, ...], dimensions: tuple[str, ...]) -> None:
    for name, size in bind.items():
        if name not in listed and name not in dimensions:
            known = f"its symbols are {', '.join(listed)}" if listed else "it has no symbolic dimensions"
            raise OptionError(f"there is no dimension {name!r} to bind; {known}")
        if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size < 2**63:
            raise OptionError(f"the dimension {name!r} must be bound to a positive integer, not {size!r}")


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
