"""Dimensions that a TensorFlow Lite file leaves open: bound, taken as 1, or refused."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hmcos
from hmcos.errors import ModelError, OptionError, SizeError
from hmcos.frontends.tflite.reading import parse
from hmcos.frontends.tflite.schema import integers
from hmcos.network.opening import open_source
from hmcos.tasks.inspection import inspect_source
from tflite_models import S, Sketch, conditional, loop, one_operator

OPEN = [-1, -1, -1, 3]


def spatial(*, in_shape: bool = False) -> Sketch:
    """Return an image of open size that is pooled and added to itself."""
    sketch = Sketch()
    sketch.subgraph()
    fed, small, made = (sketch.tensor([1, 1, 1, 3], "FLOAT32", shapeSignature=OPEN) for _ in range(3))
    sketch.operator(
        "AVERAGE_POOL_2D", [fed], [small], padding=1, strideH=2, strideW=2, filterHeight=2, filterWidth=2
    )
    sketch.operator("ADD", [small, small], [made])
    sketch.ports([fed], [made])
    if in_shape:
        for tensor in sketch.model.subgraphs[0].tensors:
            tensor.shape, tensor.shapeSignature = OPEN, None
    return sketch


def saved(sketch: Sketch, folder: Path) -> Path:
    path = folder / "m.tflite"
    path.write_bytes(sketch.bytes())
    return path


def resized(content: bytes, x: Any) -> Any:
    """Return what LiteRT makes of an input of another size than the file says."""
    session: Any = import_module("ai_edge_litert.interpreter").Interpreter(model_content=content)
    session.resize_tensor_input(0, x.shape)
    session.allocate_tensors()
    session.set_tensor(0, x)
    session.invoke()
    return session.get_tensor(session.get_output_details()[0]["index"])


@pytest.mark.parametrize("in_shape", [False, True])
def test_bound_sizes_are_followed_through_the_operators(tmp_path: Path, in_shape: bool) -> None:
    path = saved(spatial(in_shape=in_shape), tmp_path)
    opened = open_source(path, {"t0:1": 8, "t0:2": 6})
    assert opened.model is not None
    shapes = [tensor.shape for tensor in opened.model.graph.tensors]
    assert shapes == [(1, 8, 6, 3), (1, 4, 3, 3), (1, 4, 3, 3)]
    assert opened.model.bind == {"t0:0": 1, "t0:1": 8, "t0:2": 6}
    assert any("leading dimension t0:0" in note and "counts as 1" in note for note in opened.source.notes)
    assert any("LiteRT was asked" in note for note in opened.source.notes)


def test_the_written_model_is_fixed_and_computes_what_the_source_does_when_resized(tmp_path: Path) -> None:
    path = saved(spatial(), tmp_path)
    plan = hmcos.schedule(path, bind={"t0:0": 2, "t0:1": 8, "t0:2": 6}, output=tmp_path / "out")
    assert plan.source.bind == {"t0:0": 2, "t0:1": 8, "t0:2": 6}
    written = (tmp_path / "out" / "m.tflite").read_bytes()
    tensors = (parse(written).subgraphs or [])[0].tensors or []
    assert [integers(tensor.shape) for tensor in tensors] == [[2, 8, 6, 3], [2, 4, 3, 3], [2, 4, 3, 3]]
    assert all(tensor.shapeSignature is None for tensor in tensors)
    x = np.random.default_rng(0).standard_normal((2, 8, 6, 3)).astype("float32")
    assert resized(written, x).tobytes() == resized(path.read_bytes(), x).tobytes()
    answer = hmcos.verify(path, tmp_path / "out" / "plan.json")
    assert answer.holds
    assert {"written model", "outputs in LiteRT"} <= {check.name for check in answer.checks if check.held}


def test_a_written_model_of_other_sizes_does_not_hold(tmp_path: Path) -> None:
    path = saved(spatial(), tmp_path)
    hmcos.schedule(path, bind={"t0:1": 8, "t0:2": 6}, output=tmp_path / "out")
    answer = hmcos.verify(path, tmp_path / "out" / "m.tflite", bind={"t0:1": 8, "t0:2": 8})
    assert not answer.holds


def test_what_is_to_bind_is_listed(tmp_path: Path) -> None:
    told = inspect_source(saved(spatial(), tmp_path))
    assert told.unbound == ("t0:1", "t0:2")
    assert told.symbols == ("t0:0", "t0:1", "t0:2")
    assert told.inputs[0].shape == (1, "t0:1", "t0:2", 3)
    assert told.kinds == {"ADD": 1, "AVERAGE_POOL_2D": 1}
    assert "bind the free symbols t0:1, t0:2 with --bind NAME=VALUE" in told.obstacle


def test_an_open_batch_that_the_file_has_as_one_is_taken_as_it_is(tmp_path: Path) -> None:
    sketch = one_operator()
    for tensor in sketch.model.subgraphs[0].tensors:
        tensor.shapeSignature = [-1, 4]
    model = open_source(saved(sketch, tmp_path)).model
    assert model is not None
    assert model.proto == sketch.bytes()
    assert (model.notes, model.bind) == ((), {})
    bound = open_source(tmp_path / "m.tflite", {"t0:0": 5}).model
    assert bound is not None
    assert [tensor.shape for tensor in bound.graph.tensors] == [(5, 4), (5, 4)]


@pytest.mark.parametrize(
    ("bind", "message"),
    [
        ({"t0:3": 4}, "'t0:3' cannot be bound: its size is 3"),
        ({"t9:1": 4}, "no dimension 't9:1' to bind; its symbols are t0:0, t0:1, t0:2"),
        ({"t0:1": 0}, "positive int32, not 0"),
        ({"t0:1": 2**31}, "positive int32"),
    ],
)
def test_wrong_bindings_are_refused(tmp_path: Path, bind: dict[str, int], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        open_source(saved(spatial(), tmp_path), bind)


def test_a_size_that_depends_on_values_is_refused_with_operator_and_tensor(tmp_path: Path) -> None:
    sketch = Sketch()
    sketch.subgraph()
    fed = sketch.tensor([1, 8], "FLOAT32", shapeSignature=[1, -1])
    wanted = sketch.tensor([2], "INT32")
    made, end = (sketch.tensor([1, 1], "FLOAT32", shapeSignature=[-1, -1]) for _ in range(2))
    sketch.operator("RESHAPE", [fed, wanted], [made])
    sketch.operator("ADD", [made, made], [end])
    sketch.ports([fed, wanted], [end])
    path = saved(sketch, tmp_path)
    with pytest.raises(SizeError, match=r"operator 0 \(RESHAPE\): the size of tensor 2 \('t2'\) depends on"):
        open_source(path, {"t0:1": 8})


def test_sizes_at_which_litert_refuses_the_model_are_an_error(tmp_path: Path) -> None:
    sketch = Sketch()
    sketch.subgraph()
    left = sketch.tensor([1, 4], "FLOAT32", shapeSignature=[1, -1])
    right, made = sketch.tensor([1, 4], "FLOAT32"), sketch.tensor([1, 4], "FLOAT32")
    sketch.operator("ADD", [left, right], [made])
    sketch.ports([left, right], [made])
    with pytest.raises(ModelError, match=r"m\.tflite: LiteRT was asked .* refuses the model"):
        open_source(saved(sketch, tmp_path), {"t0:1": 5})


def test_bodies_follow_their_operator(tmp_path: Path) -> None:
    sketch = conditional()
    for graph in sketch.model.subgraphs:
        for tensor in graph.tensors:
            if tensor.type == S.TensorType.INT8:
                tensor.shapeSignature = [1, -1]
    model = open_source(saved(sketch, tmp_path), {"t1:1": 7}).model
    assert model is not None
    bodies = [body.graph for op in model.graph.operators for body in op.bodies]
    assert [t.shape for body in bodies for t in body.tensors] == [(1, 7)] * 6


def test_inputs_that_a_body_never_reads_have_the_sizes_of_what_they_get(tmp_path: Path) -> None:
    sketch = loop()
    for graph in sketch.model.subgraphs:
        for tensor in graph.tensors:
            if tensor.type == S.TensorType.FLOAT32:
                tensor.shape, tensor.shapeSignature = [1, 1], [1, -1]
    model = open_source(saved(sketch, tmp_path), {"t1:1": 6}).model
    assert model is not None
    (runs,) = (op for op in model.graph.operators if op.bodies)
    fed = [body.graph.tensors[body.graph.inputs[1]].shape for body in runs.bodies]
    assert [body.attribute for body in runs.bodies] == ["cond", "body"]
    assert fed == [(1, 6), (1, 6)]
    assert (1, 12) in [tensor.shape for tensor in runs.bodies[1].graph.tensors]


def test_a_body_that_two_operators_run_at_two_sizes_is_refused(tmp_path: Path) -> None:
    sketch = Sketch()
    sketch.subgraph()
    choice = sketch.tensor([1], "BOOL")
    fed = [sketch.tensor([1, 1], shapeSignature=[1, -1]) for _ in range(2)]
    made = [sketch.tensor([1, 1], shapeSignature=[1, -1]) for _ in range(2)]
    for t, u in zip(fed, made, strict=True):
        sketch.operator("IF", [choice, t], [u], thenSubgraphIndex=1, elseSubgraphIndex=2)
    sketch.ports([choice, *fed], made)
    for kind in ("ADD", "MUL"):
        sketch.subgraph()
        inner, result = (sketch.tensor([1, 1], shapeSignature=[1, -1]) for _ in range(2))
        sketch.operator(kind, [inner, inner], [result])
        sketch.ports([inner], [result])
    path = saved(sketch, tmp_path)
    assert open_source(path, {"t1:1": 5, "t2:1": 5}).model is not None
    with pytest.raises(ModelError, match="one size: convert the model with fixed sizes"):
        open_source(path, {"t1:1": 5, "t2:1": 6})


def test_subgraphs_that_the_first_does_not_run_stay_as_they_are(tmp_path: Path) -> None:
    sketch = spatial()
    sketch.subgraph("second")
    fed, made = (sketch.tensor([1, 1], shapeSignature=[1, -1]) for _ in range(2))
    sketch.operator("RELU", [fed], [made])
    sketch.ports([fed], [made])
    path = saved(sketch, tmp_path)
    hmcos.schedule(path, bind={"t0:1": 8, "t0:2": 6}, output=tmp_path / "out")
    first, second = parse((tmp_path / "out" / "m.tflite").read_bytes()).subgraphs or []
    assert integers((first.tensors or [])[0].shape) == [1, 8, 6, 3]
    assert [integers(tensor.shapeSignature) for tensor in second.tensors or []] == [[1, -1], [1, -1]]
    assert hmcos.verify(path, tmp_path / "out" / "plan.json").holds


@pytest.mark.slow
def test_a_bound_model_is_tiled(tmp_path: Path) -> None:
    sketch = Sketch()
    sketch.subgraph()
    fed, wide, made = (sketch.tensor([1, 1, 1, n], shapeSignature=[-1, -1, -1, n]) for n in (3, 16, 2))
    for x, y, n in ((fed, wide, 3), (wide, made, 16)):
        channels = sketch.model.subgraphs[0].tensors[y].shape[3]
        weights = sketch.tensor([channels, 3, 3, n], data=np.ones([channels, 3, 3, n], "int8"))
        offsets = sketch.tensor([channels], "INT32", np.zeros([channels], "int32"))
        padding = S.Padding.SAME
        sketch.operator("CONV_2D", [x, weights, offsets], [y], padding=padding, strideH=1, strideW=1)
    sketch.ports([fed], [made])
    path = saved(sketch, tmp_path)
    plan = hmcos.schedule(
        path,
        bind={"t0:1": 64, "t0:2": 64},
        output=tmp_path / "out",
        tile=hmcos.Tiling(max_extra_macs=0.5),
    )
    assert plan.rewriting is not None
    assert plan.peak < plan.given_peak
    assert hmcos.verify(path, tmp_path / "out" / "plan.json", runs=1).holds
