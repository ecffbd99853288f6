"""Read the bytes of an ONNX file as a Model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from os import PathLike
from pathlib import Path

from google.protobuf.message import DecodeError, EncodeError
from onnx import GraphProto, ModelProto

from hmcos.errors import ModelError, OptionError, SizeError
from hmcos.frontends.format import Loadable, Serializable
from hmcos.frontends.model import Model
from hmcos.frontends.model_file import read_model_file
from hmcos.frontends.onnx.external_data import data_files
from hmcos.frontends.onnx.functions import LARGEST, inline
from hmcos.frontends.onnx.graphs import read_graph
from hmcos.frontends.onnx.listing import is_executable, listed, tensors
from hmcos.frontends.onnx.shapes import Inferred, value_types
from hmcos.frontends.onnx.sizes import sequence_inputs, settle
from hmcos.frontends.onnx.sorting import NOTE, sorted_model
from hmcos.graph.graph import Graph, Tensor
from hmcos.graph.strings import string_notes

LONGEST = 1000
"""Most characters of an error: names and shapes in a damaged file may be as long as the file."""
EMPTY = "is empty"
MOST_OPERATORS = 500_000
"""Most operators of a model, bodies and inlined functions included: each takes 4 KB and 0.2 ms."""
TOO_LARGE = "is larger than 2 GB, the most that protobuf can hold; store weights as external data"


def load(
    source: Loadable,
    bind: Mapping[str, int] | None = None,
    known: Mapping[str, Tensor] | None = None,
    *,
    borrow: bool = False,
    told_by: str = "",
) -> Model:
    """Return the model in an ONNX file, or in an object that serialises to one.

    External data is never opened. The object is copied, neither changed nor kept. With `borrow` a ModelProto
    is not copied: the model holds it, and has neither digests nor a number of bytes.
    `bind` gives sizes to symbolic dimensions. `known` are tensors of another form of the model, by name: they
    supply the types that neither inference nor the file has, and symbols that only that form has may be
    bound. `told_by` is the runtime that told them, if it was one.

    Raises:
        ModelError: the source is not an ONNX model, or cannot be scheduled; names the file, the operator and
            the tensor.
        OptionError: `bind` names an unknown symbolic dimension, or a size that is not positive.
    """
    path = Path(source) if isinstance(source, str | PathLike) else None
    title = str(path) if path is not None else "the model in memory"
    try:
        if borrow and isinstance(source, ModelProto):
            return _model(_checked(source), None, None, dict(bind or {}), known)
        content = read_model_file(path, LARGEST, TOO_LARGE) if path is not None else _serialise(source)
        found = _model(_parse(content), content, path, dict(bind or {}), known)
        if told_by:
            note = f"{told_by} was asked for the sizes of tensors that no rule here determines"
            found = replace(found, notes=(*found.notes, note))
        return found
    except SizeError as error:
        raise SizeError(f"{title}: {_one_line(error)}", error.unbound) from None
    except ModelError as error:
        raise type(error)(f"{title}: {_one_line(error)}") from error.__cause__
    except OptionError as error:
        raise OptionError(f"{title}: {_one_line(error)}") from None


def parsed(source: Loadable) -> ModelProto:
    """Return the message of a source that `load` could read up to its unknown sizes, functions inlined."""
    path = Path(source) if isinstance(source, str | PathLike) else None
    content = read_model_file(path, LARGEST, TOO_LARGE) if path is not None else _serialise(source)
    proto = _parse(content)
    return inline(proto) if proto.functions else proto


def _model(
    proto: ModelProto,
    content: bytes | None,
    path: Path | None,
    bind: dict[str, int],
    known: Mapping[str, Tensor] | None,
) -> Model:
    """Return the model of a message; `content` are its bytes, None if nobody asks for digests."""
    original = digest = "" if content is None else sha256(content).hexdigest()
    inlined = bool(proto.functions)
    _check_number(len(proto.graph.node))
    graphs = listed(proto.graph)
    if inlined:
        for function in proto.functions:
            listed(GraphProto(node=function.node))
        proto = inline(proto)
        if content is not None:
            digest = sha256(proto.SerializeToString(deterministic=True)).hexdigest()
        _check_number(len(proto.graph.node))
        graphs = listed(proto.graph)
    runs = is_executable(graphs[0])
    notes: tuple[str, ...] = ()
    if not runs and (ordered := sorted_model(proto)) is not None:
        proto, graphs, notes = ordered, listed(ordered.graph), (NOTE,)
        runs = is_executable(graphs[0])
    _check_number(sum(len(graph.nodes) for graph in graphs))
    files = data_files(tensors(graphs), path.parent if path is not None else None)
    sizes = settle(graphs, bind, lenient=known is not None)
    sequences = sequence_inputs(graphs[0], sizes.bind)
    inferred = Inferred({graph.path: {} for graph in graphs})
    if runs:  # otherwise `read_graph` says what is wrong
        inferred = value_types(proto, graphs, sizes.bind, known or {}, sequences, sizes.values)
    graph, parameter_bytes = read_graph(proto, graphs[0], inferred, sizes)
    return Model(
        graph=graph,
        path=path,
        format="onnx",
        sha256=digest,
        original_sha256=original,
        inlined=inlined,
        data_files=files,
        bind=sizes.bind,
        parameter_bytes=parameter_bytes,
        file_bytes=0 if content is None else len(content),
        proto=proto,
        notes=(*notes, *sizes.notes, *inferred.notes, *_assumed(proto, graph)),
        is_sorted=bool(notes),
    )


def _assumed(source: ModelProto, graph: Graph) -> Iterator[str]:
    """Yield what is not counted, or not as it will be."""
    if source.training_info:
        yield "training_info is not counted: it runs in training only"
    yield from string_notes(graph)


def _check_number(operators: int) -> None:
    if operators > MOST_OPERATORS:
        raise ModelError(
            f"has {operators:,} operators, more than the {MOST_OPERATORS:,} that can be planned; plan its "
            "parts, or write parts that repeat as a Loop"
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
        raise ModelError(EMPTY)
    try:
        return _checked(ModelProto.FromString(content))
    except DecodeError as error:
        raise ModelError("is not an ONNX model, or is truncated: its bytes are no valid protobuf") from error


def _checked(proto: ModelProto) -> ModelProto:
    if not proto.HasField("graph"):
        raise ModelError("is not an ONNX model: it holds no graph" if proto.ByteSize() else EMPTY)
    return proto


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
