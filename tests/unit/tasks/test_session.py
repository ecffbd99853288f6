"""Sessions run the plan's order, and say so when ONNX Runtime does not."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from onnx import numpy_helper, parser

import hmcos
from hmcos import session
from hmcos.errors import ModelError, OptionError, PlanError
from hmcos.frontends import loading
from hmcos.frontends.model import Model
from hmcos.network.opening import open_source
from hmcos.plan.plan import Plan
from hmcos.runtimes.onnxruntime.fusing import LEVELS
from hmcos.runtimes.onnxruntime.runtime import runtime
from hmcos.tasks.measure.file_order import file_order_peak
from unit.verify import faults

FAN = """fan (float[1,4,64,64] x) => (float[1,4,1,1] y) <int64[2] axes = {2,3}>
{
  a = Exp(x) b = Sin(x) c = Cos(x) d = Abs(x)
  e = ReduceMean(a, axes) f = ReduceMean(b, axes) g = ReduceMean(c, axes) h = ReduceMean(d, axes)
  s = Add(e, f) t = Add(g, h) y = Add(s, t)
}"""

HOISTED = """net (float[2,3] x) => (float[3,2] y) <int64[1] nil = {0}, int64[1] one = {1}, int64[1] two = {2}>
{
  a = Relu(x) b = Transpose(a) c = Exp(b) s = Shape(x)
  u = Slice(s, one, two) v = Slice(s, nil, one) w = Concat<axis=0>(u, v) y = Reshape(c, w)
}"""

CONVOLUTIONS = """<ir_version: 10, opset_import: ["" : 21]>
convolutions (float[N,4,16,16] x) => (float[N,4,16,16] y)
{
  z = Relu(x)
  p1 = Conv<pads=[1,1,1,1]>(z, w) a = Relu(p1) q1 = Conv<pads=[1,1,1,1]>(z, v) b = Relu(q1)
  p2 = Conv<pads=[1,1,1,1]>(a, w) c = Sigmoid(p2) q2 = Conv<pads=[1,1,1,1]>(b, v) d = Relu(q2)
  y = Add(c, d)
}"""
"""Fused, a convolution and its activation are one operator of com.microsoft, of which ONNX infers nothing."""

MOVED_TRANSPOSES = """<ir_version: 9, opset_import: ["" : 17, "com.microsoft" : 1]>
net (uint8[N,8,4,6] x) => (uint8[N,8,4,6] y) <float s = {0.05}, uint8 z = {128}>
{
  a = DequantizeLinear(x, s, z) b = Transpose<perm=[0,2,3,1]>(a)
  bq = QuantizeLinear(b, s, z) bd = DequantizeLinear(bq, s, z)
  c = Sigmoid(bd) cq = QuantizeLinear(c, s, z) cd = DequantizeLinear(cq, s, z)
  d = Add(cd, bd) dq = QuantizeLinear(d, s, z) dd = DequantizeLinear(dq, s, z)
  e = Transpose<perm=[0,3,1,2]>(dd) y = QuantizeLinear(e, s, z)
}"""
"""Transposed back, what the fused operators make has names that the source does not know."""

LISTED_PARAMETERS = """<ir_version: 3, opset_import: ["" : 9]>
net (float[3] x, int64[1] s) => (float[3] y) <int64[1] s = {3}> { a = ConstantOfShape(s) y = Add(x, a) }"""
"""As files before IR version 4 do, it lists its parameters as inputs."""

IN_A_BODY = """net (bool c, float[1000] x) => (float[4] y) <int64[1] axes = {0}, int64[1] to = {4}>
{
  y = If (c) <
    then_branch = fan () => (float[4] t)
    {
      a = Exp(x) b = Sin(x) d = Cos(x)
      e = ReduceMean(a, axes) f = ReduceMean(b, axes) g = ReduceMean(d, axes)
      s = Sum(e, f, g) t = Expand(s, to)
    },
    else_branch = mean () => (float[4] u) { h = ReduceMean(x, axes) u = Expand(h, to) }
  >
}"""


def written(folder: Path, text: str) -> Path:
    path = folder / "net.onnx"
    path.write_bytes(parser.parse_model(faults.HEAD + text).SerializeToString())
    return path


def parsed(folder: Path, text: str, **weights: npt.NDArray[Any]) -> Path:
    model = parser.parse_model(text)
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in weights.items())
    path = folder / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def agree(plan: Plan, optimize: str, **fed: npt.NDArray[Any]) -> Any:
    """Return a session that ran in the planned order, and made what the source makes."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = session(plan, optimize=optimize)
    right = runtime().InferenceSession(plan.source.name).run(None, fed)
    for made, wanted in zip(found.run(None, fed), right, strict=True):
        assert np.allclose(made, wanted, rtol=1e-4, atol=1e-6)
    return found


@pytest.mark.parametrize("optimize", LEVELS)
def test_a_session_computes_what_the_source_does(tmp_path: Path, optimize: str) -> None:
    plan = hmcos.schedule(written(tmp_path, FAN))
    assert plan.order != tuple(range(11))
    agree(plan, optimize, x=np.linspace(0, 1, 4 * 64 * 64, dtype=np.float32).reshape(1, 4, 64, 64))


@pytest.mark.parametrize("optimize", LEVELS)
def test_fused_operators_have_the_sizes_of_the_source(tmp_path: Path, optimize: str) -> None:
    draw = np.random.default_rng(0)
    w, v = (draw.standard_normal((4, 4, 3, 3)).astype(np.float32) for _ in range(2))
    path = parsed(tmp_path, CONVOLUTIONS, w=w, v=v)
    x = draw.standard_normal((2, 4, 16, 16)).astype(np.float32)
    plan = hmcos.schedule(path, bind={"N": 2})
    found = agree(plan, optimize, x=x)
    # The size that the plan binds is not written into the model.
    assert found.run(None, {"x": x[:1]})[0].shape == (1, 4, 16, 16)


@pytest.mark.parametrize("optimize", LEVELS)
def test_sizes_that_only_the_fused_graph_has_are_asked_for(tmp_path: Path, optimize: str) -> None:
    path = parsed(tmp_path, MOVED_TRANSPOSES)
    x = np.random.default_rng(0).integers(0, 255, (2, 8, 4, 6)).astype(np.uint8)
    agree(hmcos.schedule(path, bind={"N": 2}), optimize, x=x)


@pytest.mark.parametrize("optimize", LEVELS)
def test_parameters_that_the_file_lists_as_inputs_are_not_asked_for(tmp_path: Path, optimize: str) -> None:
    path = parsed(tmp_path, LISTED_PARAMETERS)
    found = agree(hmcos.schedule(path), optimize, x=np.ones(3, np.float32))
    assert [value.name for value in found.get_inputs()] == ["x"]


@pytest.mark.parametrize("optimize", LEVELS)
def test_bodies_run_in_their_planned_order(tmp_path: Path, optimize: str) -> None:
    x = np.ones(1000, np.float32)
    agree(hmcos.schedule(written(tmp_path, IN_A_BODY)), optimize, x=x, c=np.array(True))


def test_the_bodies_of_a_fused_graph_are_written_in_their_best_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = loading.load(written(tmp_path, IN_A_BODY))
    peaks: list[int] = []

    def saved(model: Model, orders: Mapping[str, Sequence[int]], path: Path) -> None:
        save(model, orders, path)
        peaks.append(file_order_peak(open_source(path), hmcos.load_target("default")))

    def not_fused(*_: object) -> Model:
        return source

    save = loading.save
    monkeypatch.setattr(loading, "save", saved)
    monkeypatch.setattr("hmcos.tasks.session.fuse", not_fused)
    session(hmcos.schedule(source), optimize="basic")
    best, file = (
        hmcos.schedule(source).peak,
        file_order_peak(open_source(source), hmcos.load_target("default")),
    )
    assert peaks == [best, best] and best < file


def test_a_fused_graph_that_cannot_be_planned_is_told_by_the_name_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = parsed(tmp_path, MOVED_TRANSPOSES)
    plan = hmcos.schedule(path, bind={"N": 2})

    def nothing(_: object) -> tuple[()]:
        return ()

    monkeypatch.setattr("hmcos.runtimes.onnxruntime.fusing._told", nothing)
    monkeypatch.setattr("hmcos.frontends.onnx.walking.RULES", {})
    with pytest.raises(ModelError, match=r"net.onnx: as ONNX Runtime fuses it .*sizes are unknown") as caught:
        session(plan, optimize="extended")
    assert "fused.onnx" not in str(caught.value)
    assert str(caught.value).endswith("; use optimize='basic' or optimize='none'")


def test_a_hoisted_shape_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, HOISTED)
    plan = hmcos.schedule(path, scheduler="given")
    with pytest.warns(RuntimeWarning, match=r"runs operator 3 \(Shape\) earlier than planned"):
        session(plan)


def test_wrong_calls(tmp_path: Path) -> None:
    plan = hmcos.schedule(written(tmp_path, FAN))
    with pytest.raises(OptionError, match="optimize is one of none, basic, extended"):
        session(plan, optimize="most")
    written(tmp_path, FAN.replace("Exp", "Log"))
    with pytest.raises(PlanError, match="has changed since the plan was made"):
        session(plan)
    with pytest.raises(PlanError, match="model in memory"):
        session(hmcos.schedule(faults.model()))
    instance = tmp_path / "net.json"
    hmcos.export_instance(tmp_path / "net.onnx", instance)
    with pytest.raises(PlanError, match="which ONNX Runtime does not run"):
        session(hmcos.schedule(instance))


def test_what_the_runtime_cannot_run_is_told(tmp_path: Path) -> None:
    text = "net (float[4] x) => (float[4] y) { y = my.domain.Mystery(x) }"
    source = faults.model(text)
    source.opset_import.add(domain="my.domain", version=1)
    source.graph.node[0].domain, source.graph.node[0].op_type = "my.domain", "Mystery"
    path = tmp_path / "net.onnx"
    path.write_bytes(source.SerializeToString())
    with pytest.raises(ModelError, match=r"net.onnx: ONNX Runtime cannot load it: .*Mystery"):
        session(hmcos.schedule(path))
    text = "net (float[6] x, int64[2] s) => (float[2,3] y) { t = Mul(s, s)  y = Reshape(x, t) }"
    plan = hmcos.schedule(written(tmp_path, text))
    with pytest.raises(
        ModelError,
        match=r"net.onnx: ONNX Runtime cannot run it on random inputs: .*; check=False skips",
    ):
        session(plan)
    assert session(plan, check=False).get_inputs()[0].name == "x"
