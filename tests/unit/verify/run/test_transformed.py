"""Inner tensors of a source and of what was made of it, compared by running both."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from hmcos.frontends.loading import load
from hmcos.verify.checks import Answer, Check
from hmcos.verify.run.run_request import RunRequest
from hmcos.verify.run.running import check_by_running


def scaled(path: Path, factor: float, element: int = TensorProto.FLOAT) -> Path:
    """A network whose inner tensor grows with a factor that its output does not show."""
    kind = np.float32 if element == TensorProto.FLOAT else np.int32
    values = {"f": factor, "z": 0}
    factors = [numpy_helper.from_array(np.array(value, kind), name) for name, value in values.items()]
    nodes = [helper.make_node("Mul", ["x", "f"], ["inner"]), helper.make_node("Mul", ["inner", "z"], ["y"])]
    ports = [helper.make_tensor_value_info(name, element, (4,)) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "scaled", ports[:1], ports[1:], factors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def checks(first: Path, second: Path, *, is_exact: bool = True) -> dict[str, Check]:
    graph = load(first).graph
    request = RunRequest(first, first, second, graph, None, {}, {}, 2, seed=0, memory=16 << 30, seconds=600)
    request = replace(request, common=("inner",), is_exact=is_exact)
    return {check.name: check for check in check_by_running(request)}


def test_a_tensor_that_differs_inside_is_found_although_the_outputs_are_equal(tmp_path: Path) -> None:
    found = checks(scaled(tmp_path / "a.onnx", 3), scaled(tmp_path / "b.onnx", 4))
    assert found["same function"].held
    assert found["inner tensors"].answer is Answer.FAILS
    assert "'inner'" in found["inner tensors"].words


def test_equal_tensors_are_counted(tmp_path: Path) -> None:
    found = checks(scaled(tmp_path / "a.onnx", 3), scaled(tmp_path / "b.onnx", 3))
    assert found["inner tensors"].words == "1 tensors that source and result both have are equal in every bit"


@pytest.mark.parametrize(("factor", "apart"), [(3.0, 0.0), (3.03, 0.01)])
def test_where_rounding_is_allowed_the_distance_is_told(tmp_path: Path, factor: float, apart: float) -> None:
    found = checks(scaled(tmp_path / "a.onnx", 3), scaled(tmp_path / "b.onnx", factor), is_exact=False)
    assert found["inner tensors"].held
    assert f"at most {apart:.3g} of their range apart" in found["inner tensors"].words


def test_what_differs_by_more_than_rounding_fails(tmp_path: Path) -> None:
    found = checks(scaled(tmp_path / "a.onnx", 3), scaled(tmp_path / "b.onnx", 4), is_exact=False)
    assert found["inner tensors"].failed
    assert "by 0.333 of its range: more than rounding" in found["inner tensors"].words


def test_integers_never_round(tmp_path: Path) -> None:
    first, second = (scaled(tmp_path / f"{f}.onnx", f, TensorProto.INT32) for f in (3, 4))
    found = checks(first, second, is_exact=False)
    assert found["inner tensors"].answer is Answer.FAILS
