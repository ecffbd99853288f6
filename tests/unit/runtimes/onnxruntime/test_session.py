"""The order in which ONNX Runtime really ran a file, by its own profile."""

from __future__ import annotations

from pathlib import Path

import hmcos
from hmcos.frontends.loading import load, save
from hmcos.runtimes.onnxruntime.runtime import moved
from unit.verify import faults

FAN = """fan (float[4096] x) => (float[1] y) <int64[1] axes = {0}>
{
  a = Exp(x) b = Sin(x) c = Cos(x)
  e = ReduceMean(a, axes) f = ReduceMean(b, axes) g = ReduceMean(c, axes) y = Sum(e, f, g)
}"""

LOOP = """net (float[4] x) => (float[4] y) <int64 times = {3}, bool go = {1}>
{
  a = Relu(x)
  b = Loop (times, go, a) <body = step (int64 i, bool before, float[4] s) => (bool after, float[4] t)
    { after = Identity(before) u = Add(s, x) t = Tanh(u) }>
  y = Neg(b)
}"""


def test_the_profile_tells_the_order(tmp_path: Path) -> None:
    model = load(faults.saved(tmp_path, FAN))
    order = hmcos.schedule(model).order
    assert order != tuple(range(len(order)))
    save(model, {"": order}, tmp_path / "planned.onnx")
    operators = [model.graph.operators[i] for i in order]
    assert moved(tmp_path / "planned.onnx", operators, model.graph, "net") == []


def test_nodes_of_bodies_are_not_mistaken_for_operators(tmp_path: Path) -> None:
    path = faults.saved(tmp_path, LOOP)
    graph = load(path).graph
    assert moved(path, graph.operators, graph, "net") == []
