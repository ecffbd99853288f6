from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from onnx import ModelProto

from hmcos.frontends.onnx import load
from hmcos.frontends.onnx.listing import listed
from hmcos.frontends.onnx.propagation import LONG, may_propagate
from hmcos.frontends.onnx.skeleton import skeleton
from hmcos.frontends.onnx.types import ValueType
from onnx_models import FLOAT, graph, model, node, value, weight


def flattened(length: int, *, extra: str = "Add") -> ModelProto:
    """Its last shape is known only to those who follow the values of Shape and Concat."""
    nodes = [
        node(extra, "x x", "sum", **({"axis": 0} if extra == "Concat" else {})),
        node("Shape", "p", "shape"),
        node("Mul", "shape two", "doubled"),
        node("Concat", "p p", "wide", axis=0),
        node("Reshape", "wide doubled", "y"),
    ]
    inputs = [value("x", [length]), value("p", [6])]
    return model(graph(nodes, inputs, [value("sum"), value("y")], [weight("two", [2], "int64")]))


@pytest.mark.slow
def test_long_vectors_are_not_listed_element_by_element(tmp_path: Path) -> None:
    for kind in ("Add", "Concat"):
        path = tmp_path / f"{kind}.onnx"
        path.write_bytes(flattened(2**28, extra=kind).SerializeToString())
        code = f"import hmcos; print(hmcos.load({str(path)!r}).graph.tensors[-1].shape)"
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31)),
        )
        assert (done.stdout, done.stderr) == ("(12,)\n", "")


def test_arithmetic_on_long_vectors_is_silenced_in_the_light_copy_only() -> None:
    source = flattened(LONG + 1)
    light, scopes = skeleton(source, listed(source.graph), {})
    known = ValueType(FLOAT, (LONG + 1,))
    assert may_propagate(scopes, {"": {"x": known, "p": ValueType(FLOAT, (6,))}})
    assert [n.op_type for n in light.graph.node] == ["Div", "Shape", "Mul", "Concat", "Reshape"]
    assert load(source).graph.operators[0].kind == "Add"


def test_values_that_are_no_shape_do_not_stop_the_arithmetic() -> None:
    nodes = [node("Range", "from to step", "r"), node("Size", "x", "n"), node("Add", "n n", "y")]
    weights = [weight("from", float("nan")), weight("to", 5.0), weight("step", 1.0)]
    source = model(graph(nodes, [value("x", [2**31, 2**31, 0])], [value("r"), value("y")], weights))
    assert load(source).graph.tensors[-1].shape == ()


def test_shapes_are_followed_through_many_operators_that_compute_them() -> None:
    length = 60
    nodes = [node("ConstantOfShape", "many", "zeros")]  # with it, no values are propagated in one go
    for i in range(length):
        nodes += [node("Shape", f"x{i}", f"s{i}"), node("Mul", f"s{i} one", f"m{i}")]
        nodes += [node("Reshape", f"x{i} m{i}", f"x{i + 1}")]
    weights = [weight("many", [5000], "int64"), weight("one", 1, "int64")]
    source = model(graph(nodes, [value("x0", [2, 3])], [value("zeros"), value(f"x{length}")], weights))
    assert load(source).graph.tensors[-1].shape == (2, 3)
