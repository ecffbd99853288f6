"""Read the bytes of a TensorFlow Lite file as a Model."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from hmcos.errors import ModelError
from hmcos.frontends.model import Model
from hmcos.frontends.tflite.behind import is_behind, take_in
from hmcos.frontends.tflite.buffers import check_buffers
from hmcos.frontends.tflite.calls import paths
from hmcos.frontends.tflite.checking import DAMAGE, check_flatbuffer
from hmcos.frontends.tflite.operator_codes import CUSTOM, kind_of
from hmcos.frontends.tflite.schema import VERSION, ModelT, bytes_of, unpacked
from hmcos.frontends.tflite.sizes import Place, Shape
from hmcos.frontends.tflite.subgraphs import NO_BOUNDS, read_subgraph, tensor_title

LARGEST = 2**31
"""Bytes; a flatbuffer cannot be larger."""
_ETHOS_U = "ethos-u"
"""The name of the operator into which Vela, old and new, puts all that runs on the NPU."""
TOO_LARGE = "is larger than 2 GB, the most that a flatbuffer can hold"
LARGEST_FILE = 2**33
"""Bytes; of which all but a flatbuffer are behind it. Several copies of it are in memory at a time."""


def parse(content: bytes) -> ModelT:
    """Return the bytes of a file as objects, checked.

    Raises:
        ModelError: the bytes are not a model of this schema, or cannot be written back unchanged.
    """
    check_flatbuffer(content)
    try:
        model = unpacked(content)
    except DAMAGE as error:
        raise ModelError(f"is damaged or truncated: {error}") from error
    if model.version != VERSION:
        raise ModelError(f"is of version {model.version} of the schema; only version {VERSION} can be read")
    if not model.subgraphs:
        raise ModelError("holds no subgraph")
    _check_inside(model)
    take_in(model, content)
    if len(content) > LARGEST and not is_behind(model):
        raise ModelError(TOO_LARGE)
    check_buffers(model)
    return model


def _check_inside(model: ModelT) -> None:
    """Check that no data is in other files, which would have to move with the model.

    Raises:
        ModelError: there is such data; names the tensor.
    """
    for subgraph in model.subgraphs or []:
        for number, tensor in enumerate(subgraph.tensors or []):
            if tensor.externalBuffer:
                raise ModelError(f"{tensor_title(number, tensor)}: its data is in another file")


def check_readable(model: ModelT) -> None:
    """Check that nothing recurses in a model, and that it was not compiled for an NPU, offsets included.

    Raises:
        ModelError: its subgraphs call themselves, or Vela has compiled it.
    """
    for _ in paths(model):  # raises before anything recurses
        pass
    for graph in model.subgraphs or []:
        for number, operator in enumerate(graph.operators or []):
            if kind_of(model, number, operator) == (_ETHOS_U, CUSTOM):
                raise ModelError(
                    f"operator {number} ({_ETHOS_U}): Vela has compiled the model for Ethos-U, and has"
                    " planned its memory already; use the model that Vela was given"
                )


def model_in(content: bytes, path: Path | None, bounds: Mapping[Place, Shape] = NO_BOUNDS) -> Model:
    """Return the model in the bytes of a file, which stands at the path, or will.

    `bounds` are the sizes of tensors that depend on data, at most.

    Raises:
        ModelError: they are no such model, or say something that cannot be scheduled.
    """
    model = parse(content)
    check_readable(model)
    return model_of(model, content, path, bounds)


def model_of(
    model: ModelT, content: bytes, path: Path | None, bounds: Mapping[Place, Shape] = NO_BOUNDS
) -> Model:
    """Return the model in the bytes of a file, which are parsed and checked already.

    Raises:
        ModelError: they say something that cannot be scheduled.
    """
    digest = sha256(content).hexdigest()
    used = {tensor.buffer for graph in model.subgraphs or [] for tensor in graph.tensors or []}
    buffers = model.buffers or []
    return Model(
        graph=read_subgraph(model, 0, bounds=bounds),
        path=path,
        format="tflite",
        sha256=digest,
        original_sha256=digest,
        inlined=False,
        data_files=(),
        bind={},
        parameter_bytes=sum(bytes_of(buffers[b]) for b in used),
        file_bytes=len(content),
        proto=content,
    )
