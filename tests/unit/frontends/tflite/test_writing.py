"""From orders back to TensorFlow Lite files: only the order changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from struct import unpack_from
from typing import Any, cast

import pytest

from hmcos.errors import ModelError, OptionError, OutputError
from hmcos.frontends.loading import load, save
from hmcos.frontends.tflite.comparing import differences
from hmcos.frontends.tflite.offsets import offsets_in
from hmcos.frontends.tflite.reading import parse
from hmcos.frontends.tflite.schema import content_of, unpacked
from hmcos.frontends.tflite.writing import rewritten
from hmcos.frontends.tflite.written_file import written
from tflite_models import S, Sketch, branches, conditional, one_operator


def rich() -> Sketch:
    """Return a model with fields of all sorts, empty and missing ones among them."""
    sketch = branches(32, 2)
    model, graph = sketch.model, sketch.model.subgraphs[0]
    graph.tensors[0].quantization = S.QuantizationParametersT(
        min=[0.0], max=[], scale=[0.25], zeroPoint=[-3], quantizedDimension=1
    )
    graph.tensors[1].shapeSignature = [-1, 32]
    graph.tensors[2].name = "weird \x00 ümlaut"
    graph.operators[0].customOptions = [1, 2, 3]
    graph.operators[1].mutatingVariableInputs = []
    graph.operators[2].intermediates = [3]
    graph.operators[3].builtinOptions.keepNumDims = True
    model.metadataBuffer = [0]
    model.metadata = [S.MetadataT("other", 0)]
    model.signatureDefs = [
        S.SignatureDefT(
            inputs=[S.TensorMapT("x", 0)], outputs=[S.TensorMapT("y", 5)], signatureKey="s", subgraphIndex=0
        )
    ]
    return sketch


def test_nothing_but_the_order_changes() -> None:
    content = rich().bytes()
    order = (1, 0, 3, 2, 4)
    before, after = unpacked(content), unpacked(rewritten(content, {"": order}))
    graph = (before.subgraphs or [])[0]
    graph.operators = [cast("list[Any]", graph.operators)[number] for number in order]
    assert not list(differences(before, after))
    assert written(content, rewritten(content, {"": order})).orders == (order,)


CHANGES: tuple[tuple[Callable[[Any], object], str], ...] = (
    (lambda m: setattr(m.subgraphs[0].operators[3].builtinOptions, "keepNumDims", False), "keepNumDims"),
    (lambda m: setattr(m.subgraphs[0].tensors[0].quantization, "max", None), "quantization.max"),
    (lambda m: setattr(m.subgraphs[0].tensors[2], "name", "plain"), "tensors[2].name"),
    (lambda m: m.buffers[1].data.__setitem__(3, 99), "buffers[1].data"),
    (lambda m: setattr(m.operatorCodes[1], "version", 2), "operatorCodes[1].version"),
    (lambda m: setattr(m, "signatureDefs", None), "signatureDefs"),
)


@pytest.mark.parametrize(("change", "place"), CHANGES)
def test_any_other_difference_is_found(change: Callable[[Any], object], place: str) -> None:
    other = rich()
    change(other.model)
    with pytest.raises(ModelError, match="differs from its source in more than order and") as caught:
        written(rich().bytes(), other.bytes())
    assert place in str(caught.value)


def test_operators_that_are_missing_or_new_are_found() -> None:
    content, other = rich().bytes(), rich()
    removed = other.model.subgraphs[0].operators.pop()
    with pytest.raises(ModelError, match="subgraph 0 lacks 1 operators"):
        written(content, other.bytes())
    removed.outputs = [1]
    other.model.subgraphs[0].operators.append(removed)
    with pytest.raises(ModelError, match="operator 4 of subgraph 0 is not in the source"):
        written(content, other.bytes())


def test_buffers_stand_on_multiples_of_sixteen() -> None:
    content = rewritten(rich().bytes(), {}, {0: 16})
    model = S.Model.GetRootAs(content, 0)
    places = [
        buffer._tab.Vector(buffer._tab.Offset(4))
        for buffer in (model.Buffers(i) for i in range(model.BuffersLength()))
        if not buffer.DataIsNone()
    ]
    assert len(places) == 3
    assert all(place % 16 == 0 for place in places)


def test_offsets_are_laid_out_as_the_runtime_reads_them() -> None:
    content = rich().bytes()
    first = rewritten(content, {}, {0: 32, 5: 0})
    model = parse(first)
    entry = (model.metadata or [])[-1]
    assert entry.name == b"OfflineMemoryAllocation"
    data = content_of((model.buffers or [])[entry.buffer])
    assert unpack_from("<11i", data) == (1, 0, 8, 32, -1, -1, -1, -1, 0, -1, -1)
    assert offsets_in(model) == (32, -1, -1, -1, -1, 0, -1, -1)
    again = parse(rewritten(first, {}, {1: 48}))
    assert offsets_in(again) == (-1, 48, -1, -1, -1, -1, -1, -1)
    assert len(again.buffers or []) == len(model.buffers or [])
    assert offsets_in(parse(rewritten(first, {}))) is None
    assert offsets_in(parse(content)) is None


def test_bodies_are_permuted_by_path(tmp_path: Path) -> None:
    sketch = conditional()
    graph = sketch.model.subgraphs[2]
    graph.operators[1].inputs = [0, 0]  # the two operators of the else branch are free of each other now
    path = tmp_path / "m.tflite"
    path.write_bytes(sketch.bytes())
    save(load(path), {"node 0/else": (1, 0)}, tmp_path / "out.tflite")
    assert written(path.read_bytes(), (tmp_path / "out.tflite").read_bytes()).orders == ((0,), (0, 1), (1, 0))


def test_wrong_orders_and_places_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(one_operator().bytes())
    model = load(path)
    with pytest.raises(OptionError, match="each of its 1 operators exactly once"):
        save(model, {"": (0, 0)}, tmp_path / "out.tflite")
    with pytest.raises(OptionError, match="no body 'node 3/then'"):
        save(model, {"node 3/then": ()}, tmp_path / "out.tflite")
    with pytest.raises(OutputError, match="is the model itself"):
        save(model, {}, path)
    assert [file.name for file in tmp_path.iterdir()] == ["m.tflite"]
