"""Whatever shares buffers in a .tflite, writing changes order and offsets, and nothing that is read."""

from __future__ import annotations

from importlib import import_module
from io import BytesIO
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, cast
from zipfile import ZipFile, is_zipfile

import pytest
from hypothesis import given, settings

import hmcos
from hmcos.errors import ModelError
from hmcos.frontends.loading import load
from hmcos.frontends.tflite.offsets import NAME, offsets_in
from hmcos.frontends.tflite.reading import parse
from hmcos.frontends.tflite.schema import MetadataT, ModelT, content_of, integers, unpacked
from hmcos.frontends.tflite.writing import rewritten
from hmcos.frontends.tflite.written_file import written
from hmcos.runtimes.tflite.litert import random_inputs, run
from hmcos.runtimes.tflite.tflm import room
from property.strategies import generators
from property.tflite_strategies import networks
from tflite_models import S

pytestmark = pytest.mark.slow


def planned(source: bytes, offsets: bool = True) -> tuple[bytes, Any]:
    """Return what `schedule` writes for a file, and its plan."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "m.tflite"
        path.write_bytes(source)
        plan = hmcos.schedule(path, output=Path(folder) / "out", offsets=offsets)
        assert path.read_bytes() == source
        return (Path(folder) / "out/m.tflite").read_bytes(), plan


def plain(value: object) -> object:
    """Return a tree of objects as values that can be compared; empty and missing lists are told apart."""
    if isinstance(value, bytes | str | int | float | None):
        return value.encode() if isinstance(value, str) else value
    if hasattr(value, "tolist"):
        return cast(Any, value).tolist()
    if isinstance(value, list):
        return [plain(entry) for entry in cast("list[object]", value)]
    fields = cast("dict[str, object]", vars(value))
    return type(value).__name__, {name: plain(entry) for name, entry in fields.items()}


def seen(content: bytes) -> object:
    """Return all that the readers of a file see of it, whatever its order and offsets: data in place of the
    numbers of buffers, the operators of a subgraph as a set."""
    model = unpacked(content)
    data = [content_of(buffer) for buffer in model.buffers or []]
    graphs: list[object] = []
    for graph in model.subgraphs or []:
        tensors: list[object] = [(data[tensor.buffer], plain(tensor)) for tensor in graph.tensors or []]
        operators = sorted(repr(plain(operator)) for operator in graph.operators or [])
        graph.tensors = graph.operators = None
        graphs.append((tensors, operators, plain(graph)))
    entries: list[object] = [(e.name, data[e.buffer]) for e in entries_but_offsets(model)]
    listed: list[object] = [(b, data[b]) for b in integers(model.metadataBuffer)]
    whole: Any = model
    return model.version, plain(whole.description), plain(whole.operatorCodes), graphs, entries, listed


def entries_but_offsets(model: ModelT) -> list[MetadataT]:
    return [entry for entry in model.metadata or [] if entry.name != NAME.encode()]


def readers(content: bytes) -> set[int]:
    """Return the buffers that something but a table of offsets names."""
    model = unpacked(content)
    tensors = {tensor.buffer for graph in model.subgraphs or [] for tensor in graph.tensors or []}
    return tensors | {e.buffer for e in entries_but_offsets(model)} | set(integers(model.metadataBuffer))


def files_behind(content: bytes) -> dict[str, bytes]:
    """Return the files of the archive at the end of a model."""
    if not is_zipfile(BytesIO(content)):
        return {}
    with ZipFile(BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def litert(content: bytes, fed: list[Any]) -> list[bytes]:
    """Return the outputs of a model on LiteRT's reference kernels."""
    interpreter: Any = import_module("ai_edge_litert.interpreter")
    kernels = interpreter.OpResolverType.BUILTIN_REF
    session = interpreter.Interpreter(
        model_content=content, num_threads=1, experimental_op_resolver_type=kernels
    )
    session.allocate_tensors()
    for details, value in zip(session.get_input_details(), fed, strict=True):
        session.set_tensor(details["index"], value)
    session.invoke()
    return [session.get_tensor(details["index"]).tobytes() for details in session.get_output_details()]


def graph_of(content: bytes) -> Any:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "m.tflite"
        path.write_bytes(content)
        return load(path).graph


@settings(max_examples=60)
@given(networks(), generators())
def test_nothing_that_is_read_changes(source: bytes, rng: Random) -> None:
    result, plan = planned(source, offsets=rng.random() < 0.8)
    assert seen(result) == seen(source)
    assert files_behind(result) == files_behind(source)
    before, after = (parse(content).buffers or [] for content in (source, result))
    kept = [i for i in range(len(before)) if i in readers(source)]
    assert [content_of(after[i]) for i in kept] == [content_of(before[i]) for i in kept]
    assert written(source, result).orders[0] == plan.order
    fed = random_inputs(graph_of(source), rng.randrange(1000))
    assert litert(source, fed) == litert(result, fed)


@settings(max_examples=60)
@given(networks(), generators())
def test_a_change_of_any_byte_that_is_read_is_found(source: bytes, rng: Random) -> None:
    result, _ = planned(source)
    model: Any = S.Model.GetRootAs(result, 0)
    filled = [i for i in sorted(readers(source)) if model.Buffers(i).DataLength()]
    buffer = model.Buffers(rng.choice(filled))
    place = buffer._tab.Vector(buffer._tab.Offset(4)) + rng.randrange(buffer.DataLength())
    changed = bytearray(result)
    changed[place] ^= 1 << rng.randrange(8)
    with pytest.raises(
        ModelError, match="differs from its source in more than order and offsets: in buffers"
    ):
        written(source, bytes(changed))


@settings(max_examples=5)
@given(networks(), generators())
def test_tflm_computes_the_same_at_the_offsets(source: bytes, rng: Random) -> None:
    pytest.importorskip("tflite_micro")
    result, _ = planned(source)
    assert offsets_in(parse(result)) is not None
    graph = graph_of(source)
    fed = random_inputs(graph, rng.randrange(1000))
    # The source's own table may be wrong: TFLM then dies, or computes something else.
    forms = [rewritten(source, {}), result]
    bare, placed = (run("tflm", content, fed, room(content, graph)).outputs for content in forms)
    assert [made.tobytes() for made in bare] == [made.tobytes() for made in placed]
