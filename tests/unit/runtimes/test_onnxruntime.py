"""Sessions run the plan's order, and say so when ONNX Runtime does not."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from onnx import parser

import hmcos
from hmcos.errors import ModelError, OptionError, PlanError
from hmcos.frontends.loading import load, save
from hmcos.runtimes.onnxruntime import moved, session
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

LOOP = """net (float[4] x) => (float[4] y) <int64 times = {3}, bool go = {1}>
{
  a = Relu(x)
  b = Loop (times, go, a) <body = step (int64 i, bool before, float[4] s) => (bool after, float[4] t)
    { after = Identity(before) u = Add(s, x) t = Tanh(u) }>
  y = Neg(b)
}"""


def written(folder: Path, text: str) -> Path:
    path = folder / "net.onnx"
    path.write_bytes(parser.parse_model(faults.HEAD + text).SerializeToString())
    return path


@pytest.mark.parametrize("optimize", ["none", "basic", "extended"])
def test_a_session_computes_what_the_source_does(tmp_path: Path, optimize: str) -> None:
    plan = hmcos.schedule(written(tmp_path, FAN))
    assert plan.order != tuple(range(11))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = session(plan, optimize=optimize)
    x = np.linspace(0, 1, 4 * 64 * 64, dtype=np.float32).reshape(1, 4, 64, 64)
    right = sum(f(x).mean((2, 3), keepdims=True) for f in (np.exp, np.sin, np.cos, np.abs))
    assert np.allclose(found.run(None, {"x": x})[0], right, rtol=1e-4)


def test_the_profile_tells_the_order(tmp_path: Path) -> None:
    model = load(written(tmp_path, FAN))
    order = hmcos.schedule(model).order
    save(model, {"": order}, tmp_path / "planned.onnx")
    planned = load(tmp_path / "planned.onnx")
    assert moved(tmp_path / "planned.onnx", planned) == []


def test_nodes_of_bodies_are_not_mistaken_for_operators(tmp_path: Path) -> None:
    path = written(tmp_path, LOOP)
    assert moved(path, load(path)) == []


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
    with pytest.raises(ModelError, match=r"ONNX Runtime does not take the model: .*Mystery"):
        session(hmcos.schedule(path))
    text = "net (float[6] x, int64[2] s) => (float[2,3] y) { y = Reshape(x, s) }"
    plan = hmcos.schedule(written(tmp_path, text))
    with pytest.raises(ModelError, match=r"on random inputs: .*; with check=False"):
        session(plan)
    assert session(plan, check=False).get_inputs()[0].name == "x"
