"""TensorFlow Lite models with sizes that are known only when they run: bounded, without offsets, verified."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import hmcos
from hmcos.errors import ModelError, OptionError, SizeError
from hmcos.frontends.tflite.offsets import offsets_in
from hmcos.frontends.tflite.reading import parse
from hmcos.frontends.tflite.schema import integers
from hmcos.graph.graph import Graph
from hmcos.limits import Status
from hmcos.network.opening import open_source
from tflite_models import Sketch, one_operator, planned


def texts() -> Sketch:
    """Return a model that picks from strings by two lists of numbers, one after the other."""
    sketch = Sketch()
    sketch.subgraph()
    given, chosen = sketch.tensor([10], "STRING"), sketch.tensor([20], "STRING")
    last = sketch.tensor([2], "STRING")
    many = sketch.tensor([20], "INT32", np.arange(20, dtype="int32") % 10)
    few = sketch.tensor([2], "INT32", np.array([3, 19], "int32"))
    sketch.operator("GATHER", [given, many], [chosen], axis=0)
    sketch.operator("GATHER", [chosen, few], [last], axis=0)
    sketch.ports([given], [last])
    return sketch


def test_strings_count_a_stated_width_and_are_compared_in_litert(tmp_path: Path) -> None:
    plan, written = planned(texts(), tmp_path)
    assert (plan.peak, plan.tflm) == (16 * (10 + 20), None)
    assert plan.source.notes == (
        "strings count 16 bytes each, unless the target says otherwise (string_bytes)",
        "sizes are known only when it runs, so the file gets no offsets",
    )
    assert offsets_in(parse(written)) is None
    answer = hmcos.verify(tmp_path / "model.tflite", tmp_path / "out" / "plan.json")
    assert answer.holds
    assert "outputs in LiteRT" in {check.name for check in answer.checks if check.held}


def top() -> Sketch:
    """Return a model of the largest values of 40, as many as the caller wants, doubled."""
    sketch = Sketch()
    sketch.subgraph()
    given, wanted = sketch.tensor([1, 40], "FLOAT32"), sketch.tensor([], "INT32")
    values, places, last = (
        sketch.tensor([1, 1], element, shapeSignature=[1, -1]) for element in ("FLOAT32", "INT32", "FLOAT32")
    )
    sketch.operator("TOPK_V2", [given, wanted], [values, places])
    sketch.operator("ADD", [values, values], [last])
    sketch.ports([given, wanted], [last, places])
    return sketch


def nonzero() -> Sketch:
    """Return the places of what is not zero, and the values there."""
    sketch = Sketch()
    sketch.subgraph()
    given, made = sketch.tensor([6, 4], "FLOAT32"), sketch.tensor([1, 2], "INT64", shapeSignature=[-1, 2])
    zero, choice = sketch.tensor([], "FLOAT32", np.array(0, "float32")), sketch.tensor([6, 4], "BOOL")
    values = sketch.tensor([1], "FLOAT32", shapeSignature=[-1])
    sketch.operator("GREATER", [given, zero], [choice])
    sketch.operator("WHERE", [choice], [made])
    sketch.operator("GATHER_ND", [given, made], [values])
    sketch.ports([given], [values])
    return sketch


def sliced() -> Sketch:
    """Return a part of the input from 0 on, as wide as the caller wants, and its sine."""
    sketch = Sketch()
    sketch.subgraph()
    given, size = sketch.tensor([3, 50], "FLOAT32"), sketch.tensor([2], "INT32")
    begin = sketch.tensor([2], "INT32", np.zeros(2, "int32"))
    part, last = (sketch.tensor([1, 1], "FLOAT32", shapeSignature=[-1, -1]) for _ in range(2))
    sketch.operator("SLICE", [given, begin, size], [part])
    sketch.operator("SIN", [part], [last])
    sketch.ports([given, size], [last])
    return sketch


def either() -> Sketch:
    """Return an IF whose branches make 10 or 30 numbers."""
    sketch = Sketch()
    sketch.subgraph()
    choice, given = sketch.tensor([1], "BOOL"), sketch.tensor([1, 10], "FLOAT32")
    made = sketch.tensor([1, 1], "FLOAT32", shapeSignature=[1, -1])
    sketch.operator("IF", [choice, given], [made], thenSubgraphIndex=1, elseSubgraphIndex=2)
    sketch.ports([choice, given], [made])
    for times in (1, 3):
        sketch.subgraph()
        given, made = sketch.tensor([1, 10], "FLOAT32"), sketch.tensor([1, 10 * times], "FLOAT32")
        sketch.operator("CONCATENATION", [given] * times, [made], axis=1)
        sketch.ports([given], [made])
    return sketch


BOUNDED = {
    "IF": (either, {2: (1, 30)}),
    "SLICE": (sliced, {3: (3, 50), 4: (3, 50)}),
    "TOPK_V2": (top, {2: (1, 40), 3: (1, 40), 4: (1, 40)}),
    "WHERE": (nonzero, {1: (24, 2), 4: (24,)}),
}


@pytest.mark.parametrize("kind", BOUNDED)
def test_sizes_that_depend_on_data_are_bounded_and_runs_stay_within(kind: str, tmp_path: Path) -> None:
    build, bounds = BOUNDED[kind]
    plan, written = planned(build(), tmp_path)
    assert plan.status is Status.AT_MOST
    assert plan.tflm is None
    assert offsets_in(parse(written)) is None
    graph = load(tmp_path / "model.tflite")
    assert {t: tensor.shape for t, tensor in enumerate(graph.tensors) if tensor.at_most} == bounds
    answer = hmcos.verify(tmp_path / "model.tflite", tmp_path / "out" / "plan.json")
    assert answer.holds
    assert "outputs in LiteRT" in {check.name for check in answer.checks if check.held}


def load(path: Path) -> Graph:
    model = open_source(path).model
    assert model is not None
    return model.graph


def test_the_file_says_of_such_sizes_what_it_said(tmp_path: Path) -> None:
    _, written = planned(top(), tmp_path)
    tensors = (parse(written).subgraphs or [])[0].tensors or []
    assert [integers(tensor.shapeSignature) for tensor in tensors[2:]] == [[1, -1]] * 3


def repeated() -> Sketch:
    """Return the input, repeated as often as the caller wants."""
    sketch = Sketch()
    sketch.subgraph()
    given, times = sketch.tensor([1, 8], "FLOAT32"), sketch.tensor([2], "INT32")
    made = sketch.tensor([1, 1], "FLOAT32", shapeSignature=[1, -1])
    sketch.operator("TILE", [given, times], [made])
    sketch.ports([given, times], [made])
    return sketch


def test_a_size_without_a_bound_can_be_given_one(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(repeated().bytes())
    words = r"operator 0 \(TILE\): the size of tensor 2 .* no bound; give one with --bind t2:1=N"
    with pytest.raises(SizeError, match=words):
        hmcos.schedule(path)
    plan = hmcos.schedule(path, bind={"t2:1": 64}, output=tmp_path / "out")
    assert (plan.status, plan.source.bind) == (Status.AT_MOST, {"t2:1": 64})
    assert plan.peak == 32 + 16 + 256
    times, plan_file = tmp_path / "times.npy", tmp_path / "out" / "plan.json"
    np.save(times, np.array([1, 8], "int32"))
    assert hmcos.verify(path, plan_file, inputs={"t1": times}).holds


def test_inputs_beyond_what_was_given_are_not_run(tmp_path: Path) -> None:
    path, wanted = tmp_path / "m.tflite", tmp_path / "wanted.npy"
    path.write_bytes(top().bytes())
    np.save(wanted, np.array(9, "int32"))
    hmcos.schedule(path, bind={"t2:1": 5, "t3:1": 5}, output=tmp_path / "out")
    answer = hmcos.verify(path, tmp_path / "out" / "plan.json", inputs={"t1": wanted})
    (words,) = (check.words for check in answer.checks if check.name == "outputs in LiteRT")
    assert "output 't4' has 9 elements, but the plan counts at most 5; it is for inputs that keep to" in words


def test_a_bound_for_a_known_size_is_refused(tmp_path: Path) -> None:
    sketch = one_operator("ADD", "FLOAT32")
    sketch.model.subgraphs[0].tensors[1].shapeSignature = [-1, 4]
    path = tmp_path / "m.tflite"
    path.write_bytes(sketch.bytes())
    with pytest.raises(OptionError, match="axis 0 of tensor 1 cannot be bound: its size follows"):
        hmcos.schedule(path, bind={"t1:0": 3})


def test_only_models_of_fixed_sizes_are_tiled_or_compiled(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(top().bytes())
    with pytest.raises(ModelError, match="has sizes that depend on data; only models of fixed sizes"):
        hmcos.schedule(path, tile=hmcos.Tiling())
    with pytest.raises(ModelError, match="has sizes that depend on data; only models of fixed sizes"):
        hmcos.compile_c(path)
